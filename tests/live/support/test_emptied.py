"""A database that is lent once more is as a new one, whatever its last user left."""

from __future__ import annotations

import re

import psycopg2
import pytest

from tests.support.later import one_of
from tests.support.servers import Database, PostgreSQLCluster

FUNCTION = "() RETURNS int LANGUAGE sql AS 'SELECT 1'"

# Emptied, and lent again.
TAKEN_OUT = {
    "nothing": "SELECT 1",
    "tables": "CREATE TABLE l (id serial PRIMARY KEY); INSERT INTO l DEFAULT VALUES",
    "a schema": "CREATE SCHEMA l CREATE TABLE t (id int) CREATE VIEW v AS SELECT 1",
    "no public schema": "DROP SCHEMA public",
    "an open public schema": "GRANT CREATE ON SCHEMA public TO PUBLIC",
    "another's public schema": "ALTER SCHEMA public OWNER TO pg_monitor",
    "a renamed public schema": "ALTER SCHEMA public RENAME TO l",
    "types": "CREATE TYPE l AS ENUM ('a'); CREATE DOMAIN d AS l; "
    "CREATE TYPE c AS (a l); CREATE TYPE r AS RANGE (subtype = int)",
    "a cast": "CREATE TYPE l AS (a int); CREATE FUNCTION f(i int) RETURNS l "
    "LANGUAGE sql AS 'SELECT ROW(1)::l'; CREATE CAST (int AS l) WITH FUNCTION f(int)",
    "an operator": f"CREATE FUNCTION l(a int, b int){FUNCTION[2:]}; "
    "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = l)",
    "an extension": "CREATE EXTENSION hstore",
    "a large object": "SELECT lo_create(0), lo_from_bytea(0, 'abc')",
    "statistics": "ANALYZE; CREATE TABLE l (a int, b int); "
    "CREATE STATISTICS s ON a, b FROM l",
    "rights": "CREATE TABLE l (a int); GRANT ALL ON l TO pg_monitor",
    "a trigger": "CREATE TABLE l (a int); CREATE FUNCTION f() RETURNS trigger "
    "LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
    "CREATE TRIGGER t BEFORE INSERT ON l EXECUTE FUNCTION f()",
    "a prepared transaction": "BEGIN; CREATE TABLE l (a int); PREPARE TRANSACTION 'l'",
}

# Counted, and dropped.
DROPPED = {
    "an event trigger": "CREATE FUNCTION l() RETURNS event_trigger LANGUAGE plpgsql AS "
    "'BEGIN RAISE EXCEPTION ''no''; END'; "
    "CREATE EVENT TRIGGER l ON sql_drop EXECUTE FUNCTION l()",
    "a setting of the database": "ALTER DATABASE {name} SET work_mem = '1MB'",
    "a setting of a role": "ALTER ROLE routedb IN DATABASE {name} SET jit = on",
    "rights on the database": "REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC",
    "a limit": "ALTER DATABASE {name} CONNECTION LIMIT 7",
    "another's database": "ALTER DATABASE {name} OWNER TO pg_monitor",
    "a comment": "COMMENT ON DATABASE {name} IS 'left'",
    "default rights": "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO pg_monitor",
    "a publication": "CREATE PUBLICATION l FOR ALL TABLES",
    "a foreign server": "CREATE FOREIGN DATA WRAPPER l; "
    "CREATE SERVER l FOREIGN DATA WRAPPER l",
    "a language": "CREATE TRUSTED LANGUAGE l HANDLER plpgsql_call_handler",
    "a function of the server's schema": "SET allow_system_table_mods = on; "
    f"CREATE FUNCTION pg_catalog.l{FUNCTION}",
    "a changed function": "ALTER FUNCTION pg_catalog.now() COST 7",
    "a changed comment": "COMMENT ON FUNCTION pg_catalog.now() IS 'left'",
    "rights on the server's schema": "REVOKE USAGE ON SCHEMA pg_catalog FROM PUBLIC",
    "rights on a function": "REVOKE EXECUTE ON FUNCTION pg_sleep(float) FROM PUBLIC",
}
BOTH = TAKEN_OUT | DROPPED

CATALOG = """
SELECT 'proc', oid::regproc::text, procost::text, proacl::text FROM pg_proc
  WHERE oid >= 16384 OR proname IN ('now', 'pg_sleep') UNION ALL
SELECT 'schema', nspname, nspowner::text, nspacl::text FROM pg_namespace
  WHERE nspname !~ 'temp'
ORDER BY 1, 2
"""


def leave(database: Database, what: str) -> None:
    database.execute(BOTH[what].replace("{name}", database.name))


def oid(database: Database) -> int:
    [(number,)] = database.execute(
        "SELECT oid FROM pg_database WHERE datname = current_database()"
    )
    return int(number)


def description(database: Database) -> tuple[str, object]:
    """What pg_dump and the catalogs say, without the names that are new each time."""
    place, writer = database.cluster._place, database.cluster.writer
    dump = place.run(place.program("pg_dump"), "-C", "-d", writer.dsn(database.name))
    text = re.sub(
        r"(?m)^(--|\\(un)?restrict ).*\n", "", dump.replace(database.name, "NAME")
    )
    return text, database.execute(CATALOG)


@pytest.fixture(scope="module")
def new(postgresql: PostgreSQLCluster) -> tuple[str, object]:
    """The description of a database that nobody has ever used."""
    cluster = PostgreSQLCluster(postgresql._place, postgresql.nodes)
    name = cluster._new_name()
    cluster.writer.execute(f"CREATE DATABASE {name}")
    try:
        return description(Database(name, cluster))
    finally:
        cluster.drop_database(name)


@pytest.mark.parametrize("what", one_of(3, BOTH))
def test_the_next_user_finds_nothing(postgresql, new, what):
    with postgresql.database() as database:
        before = oid(database)
        leave(database, what)
    with postgresql.database() as database:
        assert description(database) == new
        assert (oid(database) == before) == (what in TAKEN_OUT)


def test_what_is_taken_out_is_gone_from_the_replicas(postgresql):
    with postgresql.database() as database:
        leave(database, "tables")
    with postgresql.database() as database:
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        for node in postgresql.nodes:
            assert node.execute(tables, dbname=database.name) == []


def test_whoever_stayed_connected_is_not_in_the_next_one(postgresql):
    with postgresql.database() as database:
        before = oid(database)
        leave(database, "tables")
        database.wait_replayed()
        users = [psycopg2.connect(dsn) for dsn in database.dsns]
        for user in users:  # and keeps the table locked, in an open transaction
            user.cursor().execute("SELECT * FROM l")
        users[0].cursor().execute("CREATE TEMPORARY TABLE l (a int)")
    with postgresql.database() as other:
        assert oid(other) == before
        for user, dsn in zip(users, database.dsns, strict=True):
            with pytest.raises(psycopg2.OperationalError):
                user.cursor().execute("SELECT 1")
            with pytest.raises(psycopg2.OperationalError, match="does not exist"):
                psycopg2.connect(dsn)
            user.close()


def test_a_database_that_its_user_dropped_is_no_trouble(postgresql):
    with postgresql.database() as database:
        postgresql.writer.execute(f"DROP DATABASE {database.name}")
    with postgresql.database() as database:
        assert database.execute("SELECT 1") == [(1,)]


def test_databases_lent_at_once_are_different_ones(postgresql):
    with postgresql.database() as one, postgresql.database() as two:
        assert oid(one) != oid(two)


def test_a_kept_connection_that_was_ended_is_replaced(postgresql):
    end = "SELECT pg_terminate_backend(%s)"
    [(number,)] = postgresql.writer.query("SELECT pg_backend_pid()")
    assert postgresql.writer.query("SELECT pg_backend_pid()") == [(number,)]
    postgresql.writer.execute(end, (number,))
    assert postgresql.writer.query("SELECT 1") == [(1,)]


@pytest.mark.chaos
@pytest.mark.long
def test_what_lies_ready_is_not_lent_after_a_fault(postgresql):
    with postgresql.database() as database:
        before = oid(database)
    with postgresql.database() as database:
        assert oid(database) == before
    postgresql.replicas[0].kill()
    postgresql.restore()
    with postgresql.database() as database:
        assert oid(database) != before
