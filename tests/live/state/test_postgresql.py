"""Each kind of session state, through each road, read back from every node."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions, extras, sql

import routedb
from tests.live.state.nodes import cut, everywhere, on_all
from tests.support.later import one_of
from tests.support.server_rig import Rig

# Kind -> its name, how it is asked for, two values, what the server says of them.
KINDS = {
    "a number": ("work_mem", "SHOW work_mem", ("5MB", "7MB")),
    "search_path": ("search_path", "SHOW search_path", ("one", "two")),
    "the time zone": ("TimeZone", "SHOW TimeZone", ("UTC", "Europe/Rome")),
    "a name of the user's": ("my.own", "SHOW my.own", ("a b", "it is")),
    "the client encoding": ("client_encoding", "SHOW client_encoding", ("LATIN1",)),
    "the isolation level": (
        "default_transaction_isolation",
        "SHOW default_transaction_isolation",
        ("repeatable read", "read committed"),
    ),
    "the date style": ("datestyle", "SHOW datestyle", ("ISO, DMY", "ISO, MDY")),
}


def run(*texts: str) -> Callable[[Any, str, str], None]:
    """A road of texts; {n} and {v} are the name and the value."""

    def road(connection: Any, name: str, value: str) -> None:
        cursor = connection.cursor()
        for text in texts:
            cursor.execute(text.format(n=name, v=value))

    return road


def with_params(text: str, how: Callable[[str, str], Any]) -> Any:
    def road(connection: Any, name: str, value: str) -> None:
        given = how(name, value)
        connection.cursor().execute(text.format(n=name), given)
        if isinstance(given, list):
            given.clear()  # what the caller does with it later is its own matter

    return road


def as_bytes(connection: Any, name: str, value: str) -> None:
    connection.cursor().execute(f"SET {name} = '{value}'".encode())


def composed(connection: Any, name: str, value: str) -> None:
    name_ = sql.SQL(".").join(map(sql.Identifier, name.split(".")))
    text = sql.SQL("SET {} TO {}").format(name_, sql.Literal(value))
    connection.cursor().execute(text)


def many(connection: Any, name: str, value: str) -> None:
    rows = [("x",), (value,)] if name == "my.own" else [(value,)]
    connection.cursor().executemany(f"SET {name} = %s", rows)


def batch(connection: Any, name: str, value: str) -> None:
    texts = f"SET {name} = %s"
    extras.execute_batch(connection.cursor(), texts, [(value,), (value,)])


def batch_of_calls(connection: Any, name: str, value: str) -> None:
    rows = [("my.other", "1"), (name, value)]
    text = "SELECT set_config(%s, %s, false)"
    extras.execute_batch(connection.cursor(), text, rows)


def called(connection: Any, name: str, value: str) -> None:
    connection.cursor().callproc("set_config", [name, value, False])


ROADS = {
    "SET": run("SET {n} = '{v}'"),
    "SET SESSION": run("SET SESSION {n} TO '{v}'"),
    "bytes": as_bytes,
    "a comment": run("/* of mine */ SET {n} = '{v}' -- so"),
    "a parameter": with_params("SET {n} = %s", lambda n, v: [v]),
    "a named parameter": with_params("SET {n} = %(v)s", lambda n, v: {"v": v}),
    "a composed text": composed,
    "executemany": many,
    "execute_batch": batch,
    "execute_batch of set_config": batch_of_calls,
    "several statements": run("SELECT 1; SET {n} = '{v}'; SELECT 2"),
    "behind a write": run("INSERT INTO public.t VALUES (1); SET {n} = '{v}'"),
    "a transaction in one text": run("BEGIN; SET {n} = '{v}'; COMMIT"),
    "set_config": run("SELECT set_config('{n}', '{v}', false)"),
    "pg_catalog.set_config": run("SELECT pg_catalog.set_config('{n}', '{v}', false)"),
    "set_config with parameters": with_params(
        "SELECT set_config(%s, %s, false)", lambda n, v: [n, v]
    ),
    "set_config, its last parameter too": with_params(
        "SELECT set_config(%s, %s, %s) AS a", lambda n, v: (n, v, False)
    ),
    "set_config in a query": run(
        "SELECT set_config('{n}', x.v, false) FROM (VALUES ('{v}')) AS x (v)"
    ),
    "set_config in a write": run(
        "WITH w AS (INSERT INTO public.t VALUES (1) RETURNING id) "
        "SELECT set_config('{n}', '{v}', false) FROM w"
    ),
    "set_config of an expression": run(
        "SELECT set_config('{n}', concat('{v}', ''), false), nextval('public.s')"
    ),
    "set_config of a computed name": run(
        "SELECT set_config(concat('{n}', ''), '{v}', false) AS \"a\""
    ),
    "SET … FROM CURRENT after it": run("SET {n} = '{v}'", "SET {n} FROM CURRENT"),
    "callproc": called,
    "a transaction": run("BEGIN", "SET {n} = '{v}'", "COMMIT"),
    "a transaction with a savepoint": run(
        *("BEGIN", "SAVEPOINT a", "SET {n} = '{v}'", "RELEASE a", "COMMIT")
    ),
    "after a savepoint that was rolled back": run(
        *("BEGIN", "SAVEPOINT a", "SET my.other = 1", "ROLLBACK TO a"),
        *("SET {n} = '{v}'", "COMMIT"),
    ),
    "RESET ALL before it": run("RESET ALL", "SET {n} = '{v}'"),
    "DISCARD ALL before it": run("SET {n} = '{v}'", "DISCARD ALL", "SET {n} = '{v}'"),
}
# What leaves the value that was there before.
UNDONE = {
    "a transaction that is rolled back": run("BEGIN", "SET {n} = '{v}'", "ROLLBACK"),
    "a transaction in one text, rolled back": run("BEGIN; SET {n} = '{v}'; ROLLBACK"),
    "a text that is rolled back": run("SET {n} = '{v}'; ROLLBACK"),
    "RESET ALL that is rolled back": run("BEGIN", "RESET ALL", "ROLLBACK"),
    "RESET that is rolled back": run("BEGIN", "RESET {n}", "ROLLBACK"),
    "a savepoint": run(
        *("BEGIN", "SELECT 1", "SAVEPOINT a", "SET {n} = '{v}'"),
        *("ROLLBACK TO SAVEPOINT a", "COMMIT"),
    ),
    "a savepoint before the first statement": run(
        "BEGIN", "SAVEPOINT a", "SET {n} = '{v}'", "ROLLBACK TO a", "COMMIT"
    ),
    "an outer savepoint": run(
        *("BEGIN", "SAVEPOINT a", "SET {n} = '{v}'", "SAVEPOINT a", "RELEASE a"),
        *("ROLLBACK TO a", "COMMIT"),
    ),
    "SET LOCAL": run("BEGIN", "SET LOCAL {n} = '{v}'", "COMMIT"),
    "set_config(…, true)": run(
        "BEGIN", "SELECT set_config('{n}', '{v}', true)", "COMMIT"
    ),
    "set_config that is not run": run(
        "SELECT CASE WHEN false THEN set_config('{n}', '{v}', false) END"
    ),
    "set_config of a row that is not there": run(
        "SELECT set_config('{n}', '{v}', false) LIMIT 0"
    ),
    "set_config behind another value": run(
        "SELECT coalesce('a', set_config('{n}', '{v}', false))"
    ),
    "set_config of a name that nobody has": run(
        "SELECT CASE WHEN false THEN set_config('no.such', '{v}', false) END"
    ),
    "set_config in what is only prepared": run(
        "PREPARE p AS SELECT set_config('{n}', '{v}', false)", "DEALLOCATE p"
    ),
    "set_config that is local outside a transaction": run(
        "SELECT set_config('{n}', '{v}', true)"
    ),
}


@pytest.fixture(scope="module", autouse=True)
def sequence(pg_rig: Rig) -> None:
    """What nextval() is asked of."""
    pg_rig.database.execute("CREATE SEQUENCE s")
    pg_rig.database.wait_replayed()


@pytest.fixture
def connection(pg_connect) -> routedb.Connection:
    """A connection in autocommit mode, the writer's link open."""
    return pg_connect()


# The roads do not differ by kind: all kinds on one, two on the others.
FEW = [KINDS["search_path"], KINDS["a name of the user's"]]


def kinds_on(road: str) -> list[Any]:
    return list(KINDS.values()) if road in ("SET", "set_config", "SET LOCAL") else FEW


@pytest.mark.parametrize("road", one_of(2, ROADS))
def test_what_is_set_is_set_on_every_node_now_and_later(connection, pg_rig, road):
    """Before the replicas' links are open, after, and on links opened anew."""
    for name, ask, values in kinds_on(road):
        for value in values:
            ROADS[road](connection, name, value)
            assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, value), name
    before = pg_rig.rows()
    cut(connection, pg_rig)
    last = kinds_on(road)[-1:] if "ALL" in road else kinds_on(road)
    for name, ask, values in last:
        there = on_all(pg_rig, values[-1])
        assert everywhere(connection, pg_rig, ask) == there, name
    assert pg_rig.rows() == before  # it was set, and nothing else was done again


@pytest.mark.parametrize("road", one_of(2, UNDONE))
def test_what_is_undone_is_nowhere(connection, pg_rig, road):
    for name, ask, (value, *_) in kinds_on(road):
        run("SET {n} = '{v}'")(connection, name, value)
        assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, value)
        other = KINDS_OTHER.get(name, value)
        UNDONE[road](connection, name, other)
        assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, value), name
    cut(connection, pg_rig)
    for name, ask, (value, *_) in kinds_on(road):
        assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, value), name


KINDS_OTHER = {name: values[-1] for name, _, values in KINDS.values()}
KINDS_OTHER["client_encoding"] = "UTF8"


@pytest.mark.parametrize("how", ["RESET {n}", "SET {n} TO DEFAULT", "RESET ALL"])
def test_what_is_reset_is_reset_everywhere(connection, pg_rig, how):
    for name, ask, (value, *_) in KINDS.values():
        if name == "my.own":  # it has no default
            continue
        default = everywhere(connection, pg_rig, ask)
        run("SET {n} = '{v}'", how)(connection, name, value)
        assert everywhere(connection, pg_rig, ask) == default, name
        cut(connection, pg_rig)
        assert everywhere(connection, pg_rig, ask) == default, name


SPECIAL = {
    "SET TIME ZONE": ("SET TIME ZONE 'Europe/Rome'", "SHOW timezone", "Europe/Rome"),
    "SET NAMES": ("SET NAMES 'LATIN1'", "SHOW client_encoding", "LATIN1"),
    "SET SCHEMA": ("SET SCHEMA 'x'", "SHOW search_path", "x"),
    "SET ROLE": ("SET ROLE pg_monitor", "SELECT current_user", "pg_monitor"),
    "SET SESSION AUTHORIZATION": (
        "SET SESSION AUTHORIZATION routedb_state",
        "SELECT session_user",
        "routedb_state",
    ),
    "SESSION CHARACTERISTICS": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SHOW default_transaction_isolation",
        "repeatable read",
    ),
    "a value made of the one before": (
        "SELECT set_config('search_path', current_setting('search_path') || ',z', "
        "false)",
        "SHOW search_path",
        '"$user", public,z',
    ),
}


@pytest.fixture
def role(pg_rig: Rig):
    """A role of the test's own."""
    pg_rig.database.execute("CREATE ROLE routedb_state")
    pg_rig.database.execute("GRANT SELECT ON t TO routedb_state")
    pg_rig.database.wait_replayed()
    yield
    pg_rig.database.execute("DROP OWNED BY routedb_state; DROP ROLE routedb_state")


@pytest.mark.parametrize("case", SPECIAL)
def test_other_words_reach_every_node_too(connection, pg_rig, role, case):
    text, ask, value = SPECIAL[case]
    everywhere(connection, pg_rig, ask)
    connection.cursor().execute(text)
    assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, value)
    cut(connection, pg_rig)
    assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, value)
    connection.reset()
    connection.close()


def isolated(connection):
    connection.isolation_level = extensions.ISOLATION_LEVEL_REPEATABLE_READ


def levelled(connection):
    connection.set_isolation_level(extensions.ISOLATION_LEVEL_REPEATABLE_READ)


# A method or an attribute, what it shows in a transaction, and the value.
ATTRIBUTES = {
    "isolation_level": (isolated, "SHOW transaction_isolation", "repeatable read"),
    "set_isolation_level": (levelled, "SHOW transaction_isolation", "repeatable read"),
    "set_session": (
        lambda c: c.set_session("REPEATABLE READ", deferrable=True),
        "SHOW transaction_isolation",
        "repeatable read",
    ),
    "deferrable": (
        lambda c: setattr(c, "deferrable", True),
        "SHOW transaction_deferrable",
        "on",
    ),
    "set_client_encoding": (
        lambda c: c.set_client_encoding("LATIN1"),
        "SHOW client_encoding",
        "LATIN1",
    ),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_and_methods_reach_every_node(pg_rig, pg_connect, name):
    act, ask, value = ATTRIBUTES[name]
    connection = pg_connect(autocommit=False)
    act(connection)
    for _ in range(2):
        found = {}
        for role in ("writer", "replica", "replica", "replica", "replica"):
            with connection.using(role=role, consistency="eventual"):
                cursor = connection.cursor()
                cursor.execute(ask)
                found[str(cursor.node)] = cursor.fetchone()[0]
                connection.rollback()
        assert found == on_all(pg_rig, value)
        cut(connection, pg_rig)


def test_read_only_holds_on_every_node(pg_rig, pg_connect):
    connection = pg_connect(autocommit=False)
    connection.readonly = True
    assert everywhere(connection, pg_rig, "SHOW transaction_read_only") == on_all(
        pg_rig, "on"
    )
    with connection.using(role="writer"), pytest.raises(psycopg2.Error):
        connection.cursor().execute("INSERT INTO public.t VALUES (1)")


def test_reset_returns_every_session_to_its_defaults(pg_rig, pg_connect):
    connection = pg_connect()
    asked = ("SHOW work_mem", "SHOW client_encoding", "SELECT current_user")
    before = [everywhere(connection, pg_rig, ask) for ask in asked]
    connection.set_client_encoding("LATIN1")
    for text in ("SET work_mem = '5MB'", "SET ROLE pg_monitor", "LISTEN a"):
        connection.cursor().execute(text)
    everywhere(connection, pg_rig, asked[0])
    connection.reset()
    assert connection.pins == ()
    connection.autocommit = True
    assert [everywhere(connection, pg_rig, ask) for ask in asked] == before
    cut(connection, pg_rig)
    assert [everywhere(connection, pg_rig, ask) for ask in asked] == before


def upper(value, cursor):
    return None if value is None else value.upper()


# What is registered on a connection, a read that shows it, and what comes of it.
UUID = "00000000-0000-0000-0000-000000000001"
REGISTERED = {
    "a type": (
        lambda c: extensions.register_type(
            extensions.new_type((25,), "UPPER", upper), c
        ),
        "SELECT 'a'::text",
        "A",
    ),
    "uuid": (
        lambda c: extras.register_uuid(conn_or_curs=c),
        f"SELECT '{UUID}'::uuid",
        uuid.UUID(UUID),
    ),
    "jsonb": (
        lambda c: extras.register_default_jsonb(c, loads=len),
        "SELECT '{}'::jsonb",
        2,
    ),
    "json": (
        lambda c: extras.register_json(c, loads=json.loads, name="json"),
        "SELECT '[1]'::json",
        [1],
    ),
}


@pytest.mark.parametrize("kind", REGISTERED)
def test_registered_types_are_known_on_every_link(pg_rig, pg_connect, kind):
    register, ask, value = REGISTERED[kind]
    connection = pg_connect()
    everywhere(connection, pg_rig, "SELECT 1")
    register(connection)
    for _ in range(2):
        found = everywhere(connection, pg_rig, ask)
        assert {name: repr(each) for name, each in found.items()} == on_all(
            pg_rig, repr(value)
        )
        cut(connection, pg_rig)


def test_factories_hold_whatever_link_answers(pg_rig, pg_connect):
    connection = pg_connect()
    connection.cursor_factory = extras.RealDictCursor
    cursor = connection.cursor()
    names = set()
    for _ in range(8):
        with connection.using(role="replica", consistency="eventual"):
            cursor.execute("SELECT 1 AS a")
        assert cursor.fetchone() == {"a": 1}
        names.add(str(cursor.node))
    assert names == set(pg_rig.replicas)


SERIALIZABLE = {
    "SET": "SET default_transaction_isolation = 'serializable'",
    "set_config": "SELECT set_config('default_transaction_isolation', "
    "'serializable', false)",
    "SET SESSION CHARACTERISTICS": "SET SESSION CHARACTERISTICS AS TRANSACTION "
    "ISOLATION LEVEL SERIALIZABLE",
}


@pytest.mark.parametrize("road", SERIALIZABLE)
def test_what_is_serializable_is_answered_by_the_writer(pg_rig, pg_connect, road):
    """A replica of PostgreSQL refuses it: "cannot use serializable mode"."""
    connection = pg_connect()
    cursor = connection.cursor()
    with connection.using(consistency="eventual"):
        cursor.execute(SERIALIZABLE[road])
        for _ in range(3):
            cursor.execute("SELECT count(*) FROM t")
            assert str(cursor.node) == "writer"
        assert cursor.route.reasons[-1][0] is routedb.Reason.SERIALIZABLE
        cursor.execute("RESET default_transaction_isolation")
        cursor.execute("SELECT count(*) FROM t")
        assert str(cursor.node) in pg_rig.replicas


def test_a_serializable_transaction_runs_on_the_writer_even_when_it_only_reads(
    pg_rig, pg_connect
):
    connection = pg_connect(autocommit=False)
    connection.set_session("SERIALIZABLE", readonly=True)
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM t")
    assert str(cursor.node) == "writer"
    connection.rollback()
    connection.set_session("DEFAULT")
    cursor.execute("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY")
    cursor.execute("SELECT count(*) FROM t")
    assert str(cursor.node) == "writer"


def test_a_replica_that_refuses_a_setting_does_not_answer(pg_rig, connection):
    """It does not have the role yet; the writer has."""
    everywhere(connection, pg_rig, "SELECT 1")
    cursor = connection.cursor()
    for name in pg_rig.replicas:
        pg_rig.servers[name].execute("SELECT pg_wal_replay_pause()")
    try:
        pg_rig.database.execute("CREATE ROLE routedb_late")
        cursor.execute("SET ROLE routedb_late")
        with connection.using(consistency="eventual"):
            cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("routedb_late",)
        assert str(cursor.node) == "writer"
    finally:
        for name in pg_rig.replicas:
            pg_rig.servers[name].execute("SELECT pg_wal_replay_resume()")
        cursor.execute("RESET ROLE")
        pg_rig.database.execute("DROP ROLE routedb_late")
