"""psycopg2's own methods fetch, whichever link the rows have come over."""

from __future__ import annotations

import gc
from itertools import islice
from weakref import ref

import psycopg2
import pytest
from psycopg2 import extensions as ext

from tests.support.server_rig import settle_all

pytestmark = pytest.mark.live

NUMBERS = "SELECT i FROM generate_series(1, 10) i"


@pytest.fixture
def one_node(pg_home, open_cluster):
    """A cursor whose every statement runs on the identity handle."""
    return open_cluster(pg_home.writer_dsn).connect().cursor()


@pytest.fixture
def on_replica(pg_home, open_cluster):
    """A cursor whose reads come from another connection of psycopg2's."""
    cluster = open_cluster(pg_home.source)
    cursor = cluster.connect(autocommit=True).cursor()
    settle_all(cluster)
    return cursor


def test_rows_of_its_own_are_fetched_by_methods_of_exactly_its_class(one_node):
    """What CPython's short cut for C methods asks for."""
    one_node.execute(NUMBERS)
    kind = type(one_node)
    assert kind.fetchone.__objclass__ is kind
    assert kind.fetchone is not ext.cursor.fetchone
    assert one_node.fetchone.__name__ == "fetchone"
    assert one_node.fetchone.__doc__ == ext.cursor.fetchone.__doc__
    assert [one_node.fetchone() for _ in range(11)] == [
        *((n,) for n in range(1, 11)),
        None,
    ]


def test_rows_of_a_replica_are_fetched_by_the_raw_cursor(on_replica):
    on_replica.execute(NUMBERS)
    assert on_replica.node.name != "writer"
    assert isinstance(on_replica.fetchone.__self__, ext.cursor)
    assert on_replica.fetchone.__self__ is not on_replica
    assert on_replica.fetchone() == (1,)
    assert on_replica.fetchmany(2) == [(2,), (3,)]
    assert list(islice(on_replica, 2)) == [(4,), (5,)]
    assert on_replica.fetchall() == [(n,) for n in range(6, 11)]


def test_one_cursor_goes_from_link_to_link(on_replica):
    for _ in range(2):
        on_replica.execute(NUMBERS)
        assert on_replica.fetchone() == (1,)
        with on_replica.connection.using(role="writer"):
            on_replica.execute(NUMBERS)
        assert (on_replica.fetchone(), on_replica.node.name) == ((1,), "writer")
        on_replica.execute("SET application_name = 'mine'")
        with pytest.raises(psycopg2.ProgrammingError):
            on_replica.fetchone()


@pytest.mark.parametrize("place", ["one_node", "on_replica"])
def test_nobody_but_its_user_keeps_a_cursor_alive(request, place):
    gc.disable()
    try:
        connection = request.getfixturevalue(place).connection
        cursor = connection.cursor()
        cursor.execute(NUMBERS)
        cursor.fetchone()
        seen = ref(cursor)
        del cursor
        assert seen() is None
    finally:
        gc.enable()


def test_it_takes_no_attributes_of_others_as_psycopg2s_takes_none(pg_home, one_node):
    plain = psycopg2.connect(pg_home.writer_dsn)
    try:
        with pytest.raises(AttributeError):
            plain.cursor().note = 1  # type: ignore[attr-defined]
    finally:
        plain.close()
    with pytest.raises(AttributeError):
        one_node.note = 1


def test_a_cursor_class_of_the_users_takes_them(one_node):
    class Noting(ext.cursor):
        pass

    cursor = one_node.connection.cursor(cursor_factory=Noting)
    cursor.note = 1
    cursor.execute(NUMBERS)
    assert (cursor.fetchone(), cursor.note) == ((1,), 1)


def walk(connection, itersize):
    """What a named cursor shows that is left in a batch, and gone on with."""
    with connection.cursor("walked") as cursor:
        cursor.itersize = itersize
        cursor.execute(NUMBERS)
        seen = [list(islice(cursor, 4)), cursor.rownumber, list(islice(cursor, 2))]
        return [*seen, cursor.rownumber, cursor.fetchone(), list(cursor), list(cursor)]


@pytest.mark.parametrize("itersize", [1, 3, 10, 11])
def test_a_named_cursor_is_walked_as_psycopg2s_is(pg_home, one_node, itersize):
    plain = psycopg2.connect(pg_home.writer_dsn)
    try:
        assert walk(one_node.connection, itersize) == walk(plain, itersize)
    finally:
        plain.close()


@pytest.mark.parametrize("itersize", [1, 3, 10, 11])
def test_one_on_a_replica_too(pg_home, on_replica, itersize):
    plain = psycopg2.connect(pg_home.writer_dsn)
    on_replica.connection.set_session(readonly=True, autocommit=False)
    try:
        assert walk(on_replica.connection, itersize) == walk(plain, itersize)
    finally:
        plain.close()
