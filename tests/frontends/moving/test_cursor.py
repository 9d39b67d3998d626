"""What docs/moving-from-psycopg2.rst says of a cursor's attributes, row by row."""

from __future__ import annotations

import io

import psycopg2
import pytest
from psycopg2 import extensions, extras, sql

from tests.frontends.moving.use import (
    INSERT,
    READ,
    Case,
    end_all,
    on_replica,
    public,
    rows,
)


def running(conn, home):
    table = sql.Identifier("t")
    cursor = conn.cursor()
    for text in (READ, READ.encode(), sql.SQL("SELECT name FROM {}").format(table)):
        cursor.execute(text)
        assert cursor.node.name.startswith("replica")
    cursor.executemany(INSERT, [(10,), (11,)])
    assert cursor.node.name == "writer"
    cursor.callproc("abs", (-3,))
    assert (cursor.fetchone(), cursor.node.name) == ((3,), "writer")


def fetching(conn, home):
    cursor = on_replica(conn, "SELECT id FROM t ORDER BY id")
    assert (cursor.fetchone(), cursor.fetchmany(2)) == ((1,), [(2,), (3,)])
    cursor.scroll(-1)
    assert cursor.fetchall() == [(3,), (4,), (5,)]


def described(conn, home):
    cursor = on_replica(conn, "SELECT id FROM t ORDER BY id")
    assert (cursor.description[0].name, cursor.rowcount) == ("id", 5)
    assert (cursor.rownumber, cursor.statusmessage) == (0, "SELECT 5")
    assert cursor.query == b"SELECT id FROM t ORDER BY id"
    assert cursor.pgresult_ptr
    cursor.execute(INSERT, (10,))
    assert (cursor.description, cursor.rowcount) == (None, 1)
    assert (cursor.statusmessage, cursor.lastrowid) == ("INSERT 0 1", 0)


def kept(conn, home):
    cursor = on_replica(conn)
    cursor.arraysize, cursor.itersize, cursor.tzinfo_factory = 3, 4, None
    cursor.execute("SELECT id, '2024-01-02 03:04+00'::timestamptz FROM t ORDER BY id")
    assert cursor.node.name.startswith("replica")
    rows = cursor.fetchmany()
    assert len(rows) == 3
    assert rows[0][1].tzinfo is None
    assert cursor.itersize == 4
    assert (
        on_replica(conn, cursor_factory=extras.NamedTupleCursor).fetchone().name == "a"
    )
    assert on_replica(conn).row_factory is None


def quoting(conn, home):
    cursor = conn.cursor()
    end_all(conn, home)
    assert cursor.mogrify("SELECT %s", ("o'clock",)) == b"SELECT 'o''clock'"
    assert cursor.cast(23, "5") == 5


def cursor_types(conn, home):
    seen = extensions.new_type((25, 1043), "SEEN", lambda *_: "seen")
    cursor = conn.cursor()
    extensions.register_type(seen, cursor)
    cursor.execute(READ)
    assert cursor.node.name.startswith("replica")
    assert cursor.fetchone() == ("seen",)
    assert cursor.string_types[1043] is seen
    assert cursor.binary_types is None
    assert cursor.typecaster is None
    assert on_replica(conn).fetchone() == ("a",)


def copying(conn, home):
    cursor, out = conn.cursor(), io.StringIO()
    cursor.copy_from(io.StringIO("10\tx\n"), "t")
    cursor.copy_expert("COPY t FROM STDIN", io.StringIO("11\ty\n"))
    assert cursor.node.name == "writer"
    assert len(home.rows()) == 7
    with conn.using(consistency="eventual"):
        cursor.copy_to(out, "t", columns=["id"])
        assert cursor.node.name.startswith("replica")
        cursor.copy_expert("COPY (SELECT 1) TO STDOUT", io.StringIO())
    assert out.getvalue().startswith("1\n2\n")


def named(conn, home):
    conn.autocommit = False
    cursor = conn.cursor("n", scrollable=True, withhold=True)
    cursor.execute("SELECT id FROM t ORDER BY id")
    assert (cursor.name, cursor.scrollable, cursor.withhold) == ("n", True, True)
    conn.commit()
    assert cursor.fetchmany(2) == [(1,), (2,)]
    cursor.scroll(-1)
    assert cursor.fetchone() == (2,)
    cursor.close()


def whose(conn, home):
    assert on_replica(conn).connection is conn


def closing_cursors(conn, home):
    first, second = on_replica(conn), on_replica(conn)
    first.close()
    assert (first.closed, second.closed) == (True, False)
    conn.close()
    assert second.closed


def next_set(conn, home):
    with pytest.raises(psycopg2.NotSupportedError):
        on_replica(conn).nextset()


def sizes(conn, home):
    cursor = on_replica(conn)
    cursor.setinputsizes([1])
    cursor.setoutputsize(1)
    assert cursor.fetchone() == ("a",)


CURSOR: dict[str, Case] = {
    "execute": running,
    "fetchone": fetching,
    "description": described,
    "arraysize": kept,
    "mogrify": quoting,
    "string_types": cursor_types,
    "copy_expert": copying,
    "name": named,
    "connection": whose,
    "close": closing_cursors,
    "nextset": next_set,
    "setinputsizes": sizes,
}


def test_every_attribute_of_psycopg2_has_its_row_and_its_case():
    table = rows("A cursor's attributes")
    assert sorted(sum(table, [])) == sorted(public(extensions.cursor))
    assert [first for first, *_ in table] == list(CURSOR)


@pytest.mark.parametrize("row", CURSOR)
def test_the_attributes_mean_what_the_page_says(row, conn, home):
    CURSOR[row](conn, home)
