"""What a session keeps never reaches the pool's next user, wherever it was set.

Each kind of state is set in a text that shows it, and behind texts that do not: a
function, a view, a trigger, a default, a policy, an operator, a block, a procedure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

import routedb
from tests.live.pool.conftest import answer
from tests.support.later import later

pytestmark = pytest.mark.live

# Kind of state: how it is set, and a question whose answer is then another.
PG = {
    "a variable": (
        "SELECT set_config('app.tenant', '7', false)",
        "SELECT coalesce(current_setting('app.tenant', true), '')",
    ),
    "a setting": ("SET work_mem = '1234kB'", "SHOW work_mem"),
    "the search path": ("SET search_path = nowhere, public", "SHOW search_path"),
    "the zone": ("SET TIME ZONE 'Asia/Tokyo'", "SHOW TimeZone"),
    "dates": ("SET DateStyle = 'German'", "SHOW DateStyle"),
    "the encoding": ("SET client_encoding = 'LATIN1'", "SHOW client_encoding"),
    "read-only": ("SET default_transaction_read_only = on", "SHOW default_"
                  "transaction_read_only"),
    "a bound": ("SET statement_timeout = '55s'", "SHOW statement_timeout"),
    "replication": ("SET session_replication_role = replica", "SHOW session_"
                    "replication_role"),
    "a role": ("SET ROLE pg_monitor", "SELECT current_user"),
    "an authorization": ("SET SESSION AUTHORIZATION pg_monitor", "SELECT session_user"),
    "a temporary table": ("CREATE TEMP TABLE mine (a int)",
                          "SELECT to_regclass('pg_temp.mine')"),
    "a temporary view": ("CREATE TEMP VIEW seen AS SELECT 1 AS a",
                         "SELECT to_regclass('pg_temp.seen')"),
    "a temporary function": (
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT count(*) FROM pg_proc WHERE pronamespace = pg_my_temp_schema()",
    ),
    "a statement": ("PREPARE p AS SELECT 1",
                    "SELECT count(*) FROM pg_prepared_statements"),
    "a cursor": ("DECLARE c CURSOR WITH HOLD FOR SELECT 1",
                 "SELECT count(*) FROM pg_cursors WHERE name = 'c'"),
    "a channel": ("LISTEN news", "SELECT count(*) FROM pg_listening_channels()"),
    "a lock": ("SELECT pg_advisory_lock(7)", "SELECT count(*) FROM pg_locks WHERE "
               "pid = pg_backend_pid() AND locktype = 'advisory'"),
    "a shared lock": ("SELECT pg_advisory_lock_shared(1, 2)", "SELECT count(*) FROM "
                      "pg_locks WHERE pid = pg_backend_pid() AND locktype = "
                      "'advisory'"),
    "a sequence's value": ("SELECT nextval('numbers')",
                           "SELECT outcome('SELECT currval(''numbers'')')"),
    "the last value": ("SELECT nextval('numbers')",
                       "SELECT outcome('SELECT lastval()')"),
    "the seed of random()": ("SELECT setseed(0.5)", "SELECT random() = "
                             "(SELECT number FROM known)"),
}  # fmt: skip
PG_SETUP = (
    "CREATE SEQUENCE numbers",
    "CREATE TABLE known AS SELECT 0.0::double precision AS number",
    "DO $$BEGIN PERFORM setseed(0.5); UPDATE known SET number = random(); END$$",
    "CREATE FUNCTION outcome(q text) RETURNS text LANGUAGE plpgsql AS $$DECLARE r text;"
    " BEGIN EXECUTE q INTO r; RETURN r; EXCEPTION WHEN OTHERS THEN RETURN sqlstate; "
    "END$$",
    "CREATE TABLE one AS SELECT 1 AS a",
    "CREATE TABLE noted (a int)",
)

# How it is hidden: what the schema needs for that, and the text that sets it.
HIDING_ON_PG = {
    "in the text": ((), "{change}"),
    "in a function": ((), "SELECT hide{n}()"),
    "in a function that is said to read": (
        (
            "CREATE FUNCTION reads{n}() RETURNS int STABLE LANGUAGE plpgsql AS "
            "$d$BEGIN RETURN hide{n}(); END$d$",
        ),
        "SELECT reads{n}()",
    ),
    "in a view": (
        ("CREATE VIEW v{n} AS SELECT hide{n}() AS a",),
        "SELECT a FROM v{n}",
    ),
    "in a view of a view": (
        (
            "CREATE VIEW v{n} AS SELECT hide{n}() AS a",
            "CREATE VIEW w{n} AS SELECT a FROM v{n}",
        ),
        "SELECT a FROM w{n}",
    ),
    "in a trigger": (
        (
            "CREATE TABLE t{n} (a int)",
            "CREATE FUNCTION tr{n}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN PERFORM hide{n}(); RETURN NEW; END$$",
            "CREATE TRIGGER tr{n} AFTER INSERT ON t{n} FOR EACH ROW "
            "EXECUTE FUNCTION tr{n}()",
        ),
        "INSERT INTO t{n} VALUES (1)",
    ),
    "in a default": (
        ("CREATE TABLE d{n} (a int, b int DEFAULT hide{n}())",),
        "INSERT INTO d{n} (a) VALUES (1)",
    ),
    "in a rule": (
        (
            "CREATE TABLE r{n} (a int)",
            "CREATE RULE r AS ON INSERT TO r{n} DO ALSO INSERT INTO noted "
            "SELECT hide{n}()",
        ),
        "INSERT INTO r{n} VALUES (1)",
    ),
    "in an operator": (
        (
            "CREATE FUNCTION op{n}(a int, b int) RETURNS int LANGUAGE sql AS "
            "'SELECT hide{n}()'",
            "CREATE OPERATOR ##{signs} (FUNCTION = op{n}, LEFTARG = int, "
            "RIGHTARG = int)",
        ),
        "SELECT a ##{signs} 1 FROM one",
    ),
    "in a block": ((), "DO $d$BEGIN EXECUTE {quoted}; END$d$"),
    "in a procedure": (
        (
            "CREATE PROCEDURE call{n}() LANGUAGE plpgsql AS "
            "$d$BEGIN EXECUTE {quoted}; END$d$",
        ),
        "CALL call{n}()",
    ),
}


def pg_forms(hiding: str) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Return each kind of state with what to create, to run, and to ask."""
    needs, run = HIDING_ON_PG[hiding]
    for number, (kind, (change, show)) in enumerate(PG.items()):
        words = {
            "n": number,
            "change": change,
            "quoted": "$c$" + change + "$c$",
            "signs": "#" * number,
        }
        function = (
            f"CREATE FUNCTION hide{number}() RETURNS int LANGUAGE plpgsql AS "
            f"$d$BEGIN EXECUTE $c${change}$c$; RETURN 1; END$d$"
        )
        creates = (function, *(text.format(**words) for text in needs))
        yield kind, creates, run.format(**words), show


MY = {
    "a variable": ("SET @tenant = 7", "SELECT @tenant"),
    "a setting": ("SET SESSION sort_buffer_size = 65536", "SELECT @@sort_buffer_size"),
    "the zone": ("SET time_zone = '+09:00'", "SELECT @@time_zone"),
    "a bound": ("SET SESSION max_statement_time = 55", "SELECT @@max_statement_time"),
    "the isolation": (
        "SET SESSION tx_isolation = 'SERIALIZABLE'",
        "SELECT @@tx_isolation",
    ),
    "a temporary table": ("CREATE TEMPORARY TABLE mine (a int)", "SELECT there()"),
    "a lock": ("DO GET_LOCK('mine', 1)", "SELECT IS_USED_LOCK('mine')"),
    "a sequence's value": ("DO NEXTVAL(numbers)", "SELECT LASTVAL(numbers)"),
    "the language": ("SET lc_time_names = 'de_DE'", "SELECT @@lc_time_names"),
}
# Not allowed in functions and triggers, or undone at their ends.
MY_NOT_IN_FUNCTIONS = {
    "checks": ("SET foreign_key_checks = 0", "SELECT @@foreign_key_checks"),
    "the last id": ("DO LAST_INSERT_ID(77)", "SELECT LAST_INSERT_ID()"),
    "read-only": ("SET SESSION tx_read_only = 1", "SELECT @@tx_read_only"),
    "a statement": ("PREPARE p FROM 'SELECT 1'", "EXECUTE p"),
    "a transaction": ("START TRANSACTION", "SELECT @@in_transaction"),
    "autocommit": ("SET autocommit = 0", "SELECT @@autocommit"),
}
MY_ROLE = {"a role": ("SET ROLE tenant", "SELECT CURRENT_ROLE()")}
MY_IN_TEXTS = {
    "names": ("SET NAMES latin1", "SELECT @@character_set_client"),
    "the mode": ("SET SESSION sql_mode = 'ANSI'", "SELECT @@sql_mode"),
    "the collation": (
        "SET collation_connection = 'utf8mb4_bin'",
        "SELECT @@collation_connection",
    ),
    "the database": ("USE mysql", "SELECT DATABASE()"),
    "locked tables": ("LOCK TABLES one READ", "SELECT 1 FROM noted"),
    "a handler": ("HANDLER one OPEN", "HANDLER one READ FIRST"),
}
MY_SETUP = (
    "CREATE SEQUENCE numbers",
    "CREATE TABLE one AS SELECT 1 AS a",
    "CREATE TABLE noted (a int)",
    "CREATE FUNCTION there() RETURNS int READS SQL DATA BEGIN DECLARE CONTINUE HANDLER "
    "FOR SQLEXCEPTION RETURN 0; RETURN (SELECT 1 + count(*) FROM mine); END",
    "CREATE OR REPLACE ROLE tenant",
)
HIDING_ON_MY = {
    "in the text": (
        (),
        "{change}",
        MY | MY_NOT_IN_FUNCTIONS | MY_ROLE | MY_IN_TEXTS,
    ),
    "in a function": ((), "SELECT hide{n}()", MY),
    "in a view": (
        ("CREATE VIEW v{n} AS SELECT hide{n}() AS a",),
        "SELECT a FROM v{n}",
        MY,
    ),
    "in a view of a view": (
        (
            "CREATE VIEW v{n} AS SELECT hide{n}() AS a",
            "CREATE VIEW w{n} AS SELECT a FROM v{n}",
        ),
        "SELECT a FROM w{n}",
        MY,
    ),
    "in a trigger": (
        (
            "CREATE TABLE t{n} (a int)",
            "CREATE TRIGGER tr{n} AFTER INSERT ON t{n} FOR EACH ROW "
            "BEGIN {change}; END",
        ),
        "INSERT INTO t{n} VALUES (1)",
        MY,
    ),
    "in a default": (
        (
            "CREATE TABLE d{n} (a int, b int)",
            "CREATE TRIGGER d{n} BEFORE INSERT ON d{n} FOR EACH ROW "
            "SET NEW.b = hide{n}()",
        ),
        "INSERT INTO d{n} (a) VALUES (1)",
        MY,
    ),
    "in a block": ((), "BEGIN NOT ATOMIC {change}; END", MY | MY_NOT_IN_FUNCTIONS),
    "in a procedure": (
        ("CREATE PROCEDURE call{n}() SQL SECURITY INVOKER BEGIN {change}; END",),
        "CALL call{n}()",
        MY | MY_NOT_IN_FUNCTIONS | MY_ROLE,
    ),
}


def my_forms(hiding: str) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Return the same as `pg_forms`."""
    needs, run, states = HIDING_ON_MY[hiding]
    for number, (kind, (change, show)) in enumerate(states.items()):
        words = {"n": number, "change": change}
        creates = [text.format(**words) for text in needs]
        if kind in MY:
            creates.insert(
                0,
                f"CREATE FUNCTION hide{number}() RETURNS int DETERMINISTIC "
                f"BEGIN {change}; RETURN 1; END",
            )
        yield kind, tuple(creates), run.format(**words), show


CASES = [("pg", hiding) for hiding in HIDING_ON_PG]
CASES += [("my", hiding) for hiding in HIDING_ON_MY]


@pytest.mark.parametrize(("where", "hiding"), CASES)
def test_no_state_reaches_the_next_user(place_of, where, hiding):
    place = place_of(where)
    forms = (pg_forms if where == "pg" else my_forms)(hiding)
    with closing(place.database.cluster.writer.connect(place.database.name)) as admin:
        create = admin.cursor().execute
        for text in PG_SETUP if where == "pg" else MY_SETUP:
            create(text)
        if where == "my":
            create("GRANT tenant TO routedb@'%'")
        cluster = place.cluster(pool={"max": 1})
        leaks = {}
        for kind, creates, run, show in forms:
            for text in creates:
                create(text)
            found = _told(cluster, run, show)
            if found is not None:
                leaks[kind] = found
    assert leaks == {}


def _told(cluster: Any, run: str, show: str) -> Any:
    """Return what is wrong: the state that the next user sees, or that the first has
    not set it."""
    before = answer(cluster, show)
    changed = answer(cluster, show, run)
    after = answer(cluster, show)
    if changed == before:
        return f"never set: {changed}"
    return after if after != before else None


ALL_SHARDS = {
    "a write": ("UPDATE items SET a = a + 1",),
    "a write in a transaction": ("BEGIN", "UPDATE items SET a = a + 1", "COMMIT"),
    "what is rolled back": ("BEGIN", "UPDATE items SET a = a + 1", "ROLLBACK"),
    "an insert": ("INSERT INTO items (k, a) VALUES (2, 0), (3, 0)",),
    "a read": ("SELECT k FROM noting ORDER BY k",),
}


@pytest.mark.parametrize("what", ["a write", *later(list(ALL_SHARDS)[1:])])
def test_nor_from_what_runs_on_all_shards(place_of, what):
    place = place_of("pg")
    with place.database.cluster.database() as more:
        databases = (place.database, more)
        for number, database in enumerate(databases):
            for text in TENANT_SETUP:
                database.execute(text)
            database.execute(f"INSERT INTO items VALUES ({number}, 0)")
        cluster = place.cluster(_sharded([each.writer_dsn for each in databases]))
        shows = [f"/* routedb: shard={number} */ {SHOW_TENANT}" for number in (0, 1)]
        try:
            answer(cluster, shows[0], *ALL_SHARDS[what])
        except routedb.ShardError:
            assert what == "a read"  # of a view over more than the table: refused
        assert [answer(cluster, show) for show in shows] == [[("",)], [("",)]]


TENANT_SETUP = (
    "CREATE TABLE items (k int, a int)",
    "CREATE FUNCTION hide() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM "
    "set_config('app.tenant', '7', false); RETURN 1; END$$",
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM "
    "hide(); RETURN NEW; END$$",
    "CREATE TRIGGER noting BEFORE INSERT OR UPDATE ON items FOR EACH ROW EXECUTE "
    "FUNCTION note()",
    "CREATE VIEW noting AS SELECT k, hide() AS one FROM items",
)
SHOW_TENANT = PG["a variable"][1]


def _sharded(dsns: list[str]) -> dict[str, Any]:
    rule = {"database": "shop", "shard_key": "k", "function": "modulo"}
    shop = {"shards": [[dsn] for dsn in dsns], "pool": {"max": 1}}
    return {
        "default": "shop",
        "databases": {"shop": shop},
        "tables": {"items": rule, "noting": rule},
    }
