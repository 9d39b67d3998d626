"""Type casters on links to databases that know the same types under other numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest
from psycopg2 import _psycopg, extras
from psycopg2 import extensions as ext

import routedb

TYPES = (
    "CREATE TYPE mood AS ENUM ('sad', 'glad')",
    "CREATE TYPE tone AS ENUM ('low', 'glad')",
    "CREATE TYPE pair AS (id int, felt mood)",
)
EXTENSION = "CREATE EXTENSION hstore"
TABLE = "CREATE TABLE {} (id int, felt mood, felts mood[], heard tone, both_ pair)"
ROW = "({}, 'glad', '{{glad,sad}}', 'glad', '(1,sad)')"
INSERT = f"INSERT INTO {{}} VALUES {ROW}"
COLUMNS = "felt, felts, heard, both_"


def shout(text: Any, _: Any) -> Any:
    return text and text.upper()


class Pair:
    """Two databases; what is registered is registered by the numbers of the first. The
    numbers of the second are those of the first, of other types."""

    def __init__(self, servers: Any, stack: ExitStack) -> None:
        self.home = stack.enter_context(servers.database())
        for text in (*TYPES, TABLE.format("here"), INSERT.format("here", 1)):
            self.home.execute(text)
        crm = f"{self.home.name}_crm"
        run = servers.writer.execute
        run(f"CREATE DATABASE {crm} TEMPLATE {self.home.name}")
        stack.callback(servers.drop_database, crm)
        for text in (
            *("DROP TABLE here", "DROP TYPE pair"),
            *("ALTER TYPE mood RENAME TO kept", "ALTER TYPE tone RENAME TO mood"),
            "ALTER TYPE kept RENAME TO tone",
            "ALTER TYPE mood RENAME VALUE 'low' TO 'sad'",
            *(TYPES[2], TABLE.format("there"), INSERT.format("there", 1)),
        ):
            run(text, dbname=crm)
        self._crm = servers.writer.dsn(crm)
        self.opened: list[Any] = []

    def connect(self, **more: Any) -> Any:
        source = {
            "default": "home",
            "databases": {
                "home": {"nodes": [self.home.writer_dsn]},
                "crm": {"nodes": [self._crm], **more},
            },
            "tables": {"there": "crm"},
        }
        connection: Any = routedb.connect(source)
        self.opened.append(connection)
        connection.autocommit = True
        return connection

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()


@pytest.fixture(scope="module")
def kept(postgresql) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(postgresql, stack)


@pytest.fixture
def pair(kept: Pair) -> Iterator[Pair]:
    """Databases whose types nobody changes."""
    yield kept
    kept.close()


@pytest.fixture
def own(postgresql, stack: ExitStack) -> Pair:
    """Databases of this test alone."""
    made = Pair(postgresql, stack)
    stack.callback(made.close)
    return made


def asked(cursor: Any, text: str) -> Any:
    cursor.execute(text)
    (row,) = cursor.fetchall()
    return row


def number(connection: Any, name: str) -> int:
    return int(asked(connection.cursor(), f"SELECT '{name}'::regtype::oid")[0])


def mood_of(connection: Any) -> Any:
    felt = ext.new_type((number(connection, "mood"),), "MOOD", shout)
    many = ext.new_array_type((number(connection, "mood[]"),), "MOODS", felt)
    return felt, many


@contextmanager
def registered(scope: str, connection: Any, cursor: Any) -> Iterator[None]:
    """Register casters of moods for one of psycopg2's three scopes."""
    casters = mood_of(connection)
    target = {"connection": connection, "cursor": cursor}.get(scope)
    for caster in casters:
        ext.register_type(caster, target)
    yield
    if target is None:
        for caster in casters:
            del _psycopg.string_types[caster.values[0]]


@pytest.mark.parametrize("scope", ["connection", "cursor", "process"])
def test_a_caster_is_of_the_type_of_that_name(pair, scope):
    connection = pair.connect()
    cursor = connection.cursor()
    before = asked(cursor, f"SELECT {COLUMNS} FROM there")
    assert before == ("glad", "{glad,sad}", "glad", "(1,sad)")
    with registered(scope, connection, cursor):
        for table in ("here", "there"):
            row = asked(cursor, f"SELECT {COLUMNS} FROM {table}")
            assert row == ("GLAD", ["GLAD", "SAD"], "glad", "(1,sad)")


def test_a_caster_of_a_cursor_is_that_cursors(pair):
    connection = pair.connect()
    cursor, other = connection.cursor(), connection.cursor()
    with registered("cursor", connection, cursor):
        assert asked(cursor, "SELECT felt FROM there") == ("GLAD",)
        assert asked(other, "SELECT felt FROM there") == ("glad",)
        cursor.string_types = None
        assert asked(cursor, "SELECT felt FROM there") == ("glad",)


def test_a_caster_that_replaces_another_replaces_it_there(pair):
    connection = pair.connect()
    cursor = connection.cursor()
    with registered("connection", connection, cursor):
        assert asked(cursor, "SELECT felt FROM there") == ("GLAD",)
    kind = number(connection, "mood")
    ext.register_type(ext.new_type((kind,), "NEW", lambda *_: "new"), connection)
    assert asked(cursor, "SELECT felt, felts FROM there") == ("new", ["GLAD", "SAD"])


def test_a_composite_has_the_values_of_its_own_attributes(pair):
    connection = pair.connect()
    with registered("connection", connection, None):
        extras.register_composite("pair", connection)
        for table in ("here", "there"):
            (found,) = asked(connection.cursor(), f"SELECT both_ FROM {table}")
            assert (found.id, found.felt) == (1, "SAD")


def test_a_composite_of_other_attributes_is_not_that_type(own):
    connection = own.connect()
    extras.register_composite("pair", connection)
    cursor = connection.cursor()
    with connection.using("crm"):
        cursor.execute("ALTER TYPE pair ADD ATTRIBUTE more int")
    assert asked(cursor, "SELECT both_ FROM there") == ("(1,sad,)",)


def test_an_extension_may_be_in_another_schema(own):
    connection = own.connect()
    cursor = connection.cursor()
    own.home.execute(EXTENSION)
    with connection.using("crm"):
        cursor.execute("CREATE SCHEMA apart")
        cursor.execute(f"{EXTENSION} SCHEMA apart")
    extras.register_hstore(connection)
    ask = 'SELECT \'"a"=>"1"\'::{0}hstore, array[\'"b"=>NULL\'::{0}hstore]'
    assert asked(cursor, ask.format("")) == ({"a": "1"}, [{"b": None}])
    with connection.using("crm"):
        assert asked(cursor, ask.format("apart.")) == ({"a": "1"}, [{"b": None}])


def test_a_type_that_is_made_again_has_its_new_number(own):
    connection = own.connect()
    cursor = connection.cursor()
    with registered("connection", connection, cursor), connection.using("crm"):
        assert asked(cursor, "SELECT 'sad'::mood") == ("SAD",)
        for text in ("DROP TABLE there", "DROP TYPE pair", "DROP TYPE mood"):
            cursor.execute(text)
        cursor.execute("CREATE TYPE mood AS ENUM ('sad')")
        assert asked(cursor, "SELECT 'sad'::mood, 'glad'::tone") == ("SAD", "glad")


def test_a_type_that_the_transaction_makes_is_known_in_it(pair):
    connection = pair.connect()
    connection.autocommit = False
    cursor = connection.cursor()
    cursor.execute("CREATE TYPE fresh AS ENUM ('new')")
    fresh = ext.new_type((number(connection, "fresh"),), "FRESH", shout)
    ext.register_type(fresh, connection)
    with connection.using("crm"):
        cursor.execute("CREATE TYPE fresh AS ENUM ('new')")
        assert asked(cursor, "SELECT 'new'::fresh") == ("NEW",)
    connection.rollback()


@pytest.mark.parametrize("begin", ["driver", "with-statement"])
def test_a_transaction_begins_with_such_a_statement(pair, begin):
    connection = pair.connect(begin=begin)
    with registered("connection", connection, None):
        connection.autocommit = False
        cursor = connection.cursor()
        cursor.execute("SELECT felt FROM there WHERE id = %s", (1,))
        assert cursor.fetchall() == [("GLAD",)]
        cursor.execute("UPDATE there SET felt = 'sad' RETURNING felt")
        assert cursor.fetchall() == [("SAD",)]
        connection.rollback()
        assert asked(cursor, "SELECT felt FROM there") == ("GLAD",)
        cursor.execute("UPDATE there SET felt = 'sad'")
        connection.commit()
        assert asked(cursor, "SELECT felt FROM there") == ("SAD",)
        cursor.execute("UPDATE there SET felt = 'glad'")
        connection.commit()


FAR = 2**31  # nobody has a type of that number


def test_a_failed_transaction_is_not_asked(pair):
    connection = pair.connect()
    connection.autocommit = False
    cursor = connection.cursor()
    with connection.using("crm"):
        with pytest.raises(routedb.Error):
            cursor.execute("SELECT nothing FROM there")
        ext.register_type(ext.new_type((FAR,), "FAR", shout), connection)
        with pytest.raises(routedb.Error, match="current transaction is aborted"):
            cursor.execute("SELECT felt FROM there")
    connection.rollback()
    assert asked(cursor, "SELECT felt FROM there") == ("glad",)
    connection.rollback()


@pytest.mark.parametrize("scope", ["connection", "cursor"])
def test_named_cursors(pair, scope):
    connection = pair.connect()
    cursor = connection.cursor("named", withhold=True)
    with registered(scope, connection, cursor):
        cursor.execute("SELECT felt, heard FROM there, generate_series(1, 3)")
        assert cursor.fetchone() == ("GLAD", "glad")
        assert cursor.fetchall() == [("GLAD", "glad")] * 2
        cursor.close()


def test_replicas_have_the_numbers_of_their_writer(postgresql, stack):
    home, crm = (stack.enter_context(postgresql.database()) for _ in range(2))
    for database, types in ((home, TYPES), (crm, (*TYPES[1::-1], TYPES[2]))):
        for text in types:
            database.execute(text)
    postgresql.wait_replayed()
    source = {
        "default": "home",
        "databases": {"home": {"nodes": home.dsns}, "crm": {"nodes": crm.dsns}},
    }
    connection: Any = stack.enter_context(closing(routedb.connect(source)))
    connection.autocommit = True
    for caster in mood_of(connection):
        ext.register_type(caster, connection)
    cursor = connection.cursor()
    for name in ("home", "crm"):
        for role in ("writer", "replica"):
            with connection.using(name, role=role, consistency="eventual"):
                found = asked(cursor, "SELECT 'sad'::mood, 'glad'::tone")
                assert found == ("SAD", "glad"), (name, role)


def test_rows_of_several_shards(postgresql, stack):
    """Merged in each way: rows strung together, in order, and by a work node."""
    shards = [stack.enter_context(postgresql.database()) for _ in range(2)]
    for owner, shard in enumerate(shards):
        for text in TYPES if owner else (*TYPES[1::-1], TYPES[2]):
            shard.execute(text)
        shard.execute(TABLE.format("there"))
        shard.execute(INSERT.format("there", owner))
    source = {
        "databases": {"shop": {"shards": [[shard.writer_dsn] for shard in shards]}},
        "tables": {
            "there": {"database": "shop", "shard_key": "id", "function": "modulo"}
        },
    }
    connection: Any = stack.enter_context(closing(routedb.connect(source)))
    connection.autocommit = True
    cursor = connection.cursor()
    with registered("connection", connection, cursor):
        expected = ("GLAD", ["GLAD", "SAD"], "glad", "(1,sad)")
        cursor.execute(f"SELECT {COLUMNS} FROM there")
        assert cursor.fetchall() == [expected] * 2
        cursor.execute("SELECT id, felts FROM there ORDER BY id")
        assert cursor.fetchall() == [(0, ["GLAD", "SAD"]), (1, ["GLAD", "SAD"])]
        cursor.execute("SELECT felt, count(*) FROM there GROUP BY felt")
        assert cursor.fetchall() == [("GLAD", 2)]
        cursor.execute("UPDATE there SET felt = 'sad' RETURNING felt")
        assert cursor.fetchall() == [("SAD",)] * 2
