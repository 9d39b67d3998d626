"""Type casters reach every cursor and link, whenever they are registered."""

from __future__ import annotations

import gc
import json
import sys
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions as ext
from psycopg2 import extras

import routedb

from .nodes import cut, everywhere, on_all

UUID = "00000000-0000-0000-0000-000000000001"


def upper(value: Any, cursor: Any) -> Any:
    return None if value is None else value.upper()


def register_text(target: Any) -> None:
    ext.register_type(ext.new_type((25,), "UPPER", upper), target)


def register_array(target: Any) -> None:
    element = ext.new_type((25,), "UPPER", upper)
    ext.register_type(ext.new_array_type((1009,), "UPPER[]", element), target)


def register_like_pgvector(target: Any) -> None:
    """Find the type's number through the connection, then register two casters."""
    with psycopg2_cursor(target) as cursor:
        cursor.execute("SELECT 'point'::regtype::oid, 'point[]'::regtype::oid")
        one, many = cursor.fetchone()
    vector = ext.new_type((one,), "VECTOR", lambda v, _: v and ["vector", v])
    ext.register_type(vector, target)
    ext.register_type(ext.new_array_type((many,), "VECTORARRAY", vector), target)


def psycopg2_cursor(target: Any) -> Any:
    connection = target.connection if hasattr(target, "execute") else target
    return closing(connection.cursor())


# What is registered, a read that shows it, and its value as text.
REGISTERED: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "a type": (register_text, "SELECT 'a'::text", "A"),
    "an array": (register_array, "SELECT '{a,b}'::text[]", "['A', 'B']"),
    "two numbers": (
        lambda to: ext.register_type(
            ext.new_type((20, 23), "NEG", lambda v, _: -int(v or 0)), to
        ),
        "SELECT 7::int8",
        "-7",
    ),
    "built in": (
        lambda to: ext.register_type(ext.new_type((1700,), "FLOAT", ext.FLOAT), to),
        "SELECT 1.50::numeric",
        "1.5",
    ),
    "uuid": (
        lambda to: extras.register_uuid(conn_or_curs=to),
        f"SELECT '{UUID}'::uuid",
        str(uuid.UUID(UUID)),
    ),
    "json": (
        lambda to: extras.register_json(to, loads=json.loads, name="json"),
        "SELECT '[1]'::json",
        "[1]",
    ),
    "jsonb": (
        lambda to: extras.register_default_jsonb(to, loads=len),
        "SELECT '{}'::jsonb",
        "2",
    ),
    "inet": (
        extras.register_ipaddress,
        "SELECT '10.0.0.0/8'::cidr",
        "10.0.0.0/8",
    ),
    "composite": (
        lambda to: extras.register_composite("pair", to),
        "SELECT (1, 'x')::pair",
        "pair(a=1, b='x')",
    ),
    "hstore": (
        lambda to: extras.register_hstore(to, oid=(25,), array_oid=(1009,)),
        'SELECT \'"a"=>"1"\'::text',
        "{'a': '1'}",
    ),
    "range": (
        lambda to: extras.register_range("spread", "Spread", to),
        "SELECT '[a,b)'::spread",
        "[a, b)",  # without the caster it has no blank
    ),
    "like pgvector": (
        register_like_pgvector,
        "SELECT array['(1,2)'::point]",
        "[['vector', '(1,2)']]",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _types(pg_rig: Any) -> None:
    pg_rig.database.execute("CREATE TYPE pair AS (a int, b text)")
    pg_rig.database.execute("CREATE TYPE spread AS RANGE (subtype = text)")
    pg_rig.database.wait_replayed()


def answers(connection: Any, cursor: Any, rig: Any, sql: str) -> dict[str, str]:
    """What one cursor shows of each node's answer."""
    found = everywhere(connection, rig, sql, cursor)
    return {name: str(value) for name, value in found.items()}


@pytest.mark.parametrize("scope", ["connection", "cursor"])
@pytest.mark.parametrize("kind", REGISTERED)
def test_what_is_registered_late_reaches_a_cursor_that_is_there(
    pg_rig, pg_connect, kind, scope
):
    register, ask, value = REGISTERED[kind]
    connection = pg_connect()
    cursor, other = connection.cursor(), connection.cursor()
    before = answers(connection, cursor, pg_rig, ask)
    assert answers(connection, other, pg_rig, ask) == before
    register(connection if scope == "connection" else cursor)
    expected = on_all(pg_rig, value)
    assert answers(connection, cursor, pg_rig, ask) == expected
    is_shared = scope == "connection"
    assert answers(connection, other, pg_rig, ask) == (
        expected if is_shared else before
    )
    cut(connection, pg_rig)
    assert answers(connection, cursor, pg_rig, ask) == expected
    later = connection.cursor()
    assert answers(connection, later, pg_rig, ask) == (
        expected if is_shared else before
    )


def test_the_caster_of_a_cursor_stands_before_that_of_its_connection(
    pg_rig, pg_connect
):
    connection = pg_connect()
    cursor = connection.cursor()
    ask = "SELECT 'a'::text"
    answers(connection, cursor, pg_rig, ask)
    ext.register_type(ext.new_type((25,), "MINE", lambda v, _: "cursor's"), cursor)
    register_text(connection)
    assert answers(connection, cursor, pg_rig, ask) == on_all(pg_rig, "cursor's")
    ext.register_type(ext.new_type((25,), "NEW", lambda v, _: "newer"), cursor)
    assert answers(connection, cursor, pg_rig, ask) == on_all(pg_rig, "newer")


def put(cursor: Any, caster: Any) -> None:
    cursor.string_types = {25: caster}


def write(cursor: Any, caster: Any) -> None:
    ext.register_type(caster, cursor)
    del cursor.string_types[25]
    cursor.string_types[25] = caster


def put_none(cursor: Any, caster: Any) -> None:
    cursor.string_types = None
    ext.register_type(caster, cursor)


def put_empty(cursor: Any, caster: Any) -> None:
    cursor.string_types = {}
    ext.register_type(caster, cursor)


def write_connection(cursor: Any, caster: Any) -> None:
    cursor.connection.string_types[25] = caster


WRITING = [put, write, put_none, put_empty, write_connection]


@pytest.mark.parametrize("way", WRITING)
def test_a_dict_of_casters_that_is_written_to_is_that_of_every_link(
    pg_rig, pg_connect, way
):
    connection = pg_connect()
    cursor = connection.cursor()
    ask = "SELECT 'a'::text"
    answers(connection, cursor, pg_rig, ask)
    way(cursor, ext.new_type((25,), "UPPER", upper))
    assert answers(connection, cursor, pg_rig, ask) == on_all(pg_rig, "A")
    for casters in (cursor.string_types, connection.string_types):
        (casters or {}).pop(25, None)
    assert answers(connection, cursor, pg_rig, ask) == on_all(pg_rig, "a")
    cursor.string_types = None
    assert answers(connection, cursor, pg_rig, ask) == on_all(pg_rig, "a")


MOMENTS = ["before the cursor", "before execute", "before the first row", "between"]


def named_rows(connection: Any, target: str, moment: str) -> list[Any]:
    """Read by a named cursor, and register at one moment of it."""
    found: list[Any] = []

    def register_at(reached: str) -> None:
        if reached == moment:
            register_text(connection if target == "connection" else cursor)

    if target == "connection":
        register_at("before the cursor")
    cursor = connection.cursor("named")
    cursor.itersize = 2
    register_at("before execute")
    cursor.execute("SELECT chr(96 + n) FROM generate_series(1, 7) n")
    register_at("before the first row")
    found.append(cursor.fetchone())
    register_at("between")
    found += cursor.fetchmany(2)
    found += list(cursor)
    connection.rollback()
    return found


@pytest.mark.parametrize("target", ["connection", "cursor"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_named_cursor_in_a_read_only_transaction(pg_rig, pg_connect, target, moment):
    with closing(psycopg2.connect(pg_rig.database.writer_dsn)) as plain:
        expected = named_rows(plain, target, moment)
    connection = pg_connect(autocommit=False)
    connection.set_session(readonly=True)
    with connection.using(consistency="eventual"):
        for _ in range(len(pg_rig.replicas)):
            assert named_rows(connection, "cursor", "")[0] is not None
        assert named_rows(connection, target, moment) == expected
    assert {node.name for node in connection.nodes} > {"writer"}


@pytest.fixture
def pooled(pg_rig: Any) -> routedb.Cluster:
    """A cluster whose links are lent again."""
    return pg_rig.cluster(pool={"max": 1})


def test_a_pooled_link_has_no_caster_of_its_last_user(pg_rig, pooled):
    ask = "SELECT 'a'::text"
    for _ in range(3):
        with closing(pooled.connect(autocommit=True)) as connection:
            assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, "a")
            register_text(connection)
            assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, "A")


def test_the_dict_of_casters_goes_with_its_last_link(pg_rig, pg_cluster):
    caster = ext.new_type((25,), "UPPER", upper)
    before = sys.getrefcount(caster)
    connection = pg_cluster.connect(autocommit=True)
    ext.register_type(caster, connection)
    everywhere(connection, pg_rig, "SELECT 'a'::text")
    assert sys.getrefcount(caster) > before
    connection.close()
    del connection
    gc.collect()
    assert sys.getrefcount(caster) == before


def test_a_row_factory_set_late_makes_the_rows_of_every_link(pg_rig, pg_connect):
    connection = pg_connect()
    cursor = connection.cursor()
    answers(connection, cursor, pg_rig, "SELECT 'a'")

    class Row(list):
        def __init__(self, of: Any) -> None:
            super().__init__([None] * len(of.description))

        def __getitem__(self, at: Any) -> Any:
            return f"row: {super().__getitem__(at)}"

    cursor.row_factory = Row
    assert answers(connection, cursor, pg_rig, "SELECT 'a'") == on_all(pg_rig, "row: a")
    cursor.row_factory = None
    assert answers(connection, cursor, pg_rig, "SELECT 'a'") == on_all(pg_rig, "a")


def test_a_list_of_notices_set_late_is_that_of_every_link(pg_rig, pg_connect):
    connection = pg_connect()
    everywhere(connection, pg_rig, "SELECT 1")
    mine: list[str] = []
    connection.notices = mine
    connection.cursor().execute("SET client_min_messages = 'debug1'")
    everywhere(connection, pg_rig, "SELECT pg_catalog.pg_typeof(1)")
    assert {id(link.raw.notices) for link in connection.session.links} == {id(mine)}
