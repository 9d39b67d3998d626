"""COPY … TO STDOUT over several groups, and of sharded tables."""

from __future__ import annotations

import io
from typing import Any

import pytest

import routedb
from tests.frontends.merged_world import World

_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)
_ORDERED = "SELECT * FROM items ORDER BY name DESC NULLS LAST, id"
# In the order that the statement says, or in any.
COPIED = [
    ("COPY (SELECT * FROM items) TO STDOUT", False),
    ("copy (SELECT id, name FROM items WHERE name LIKE 'n%') to stdout;", False),
    ("COPY (SELECT id, price FROM items) TO STDOUT WITH (FORMAT csv, HEADER)", False),
    ("COPY (SELECT id, name FROM items) TO STDOUT WITH CSV HEADER DELIMITER ';' "
     "FORCE QUOTE name", False),
    ("COPY (SELECT id AS \"a %\", name FROM items WHERE id < 0) TO STDOUT "
     "(FORMAT csv, HEADER true, FORCE_QUOTE (name), NULL 'none')", True),
    (f"COPY ({_ORDERED}) TO STDOUT", True),
    (f"COPY ({_ORDERED} LIMIT 5) TO STDOUT (HEADER, FORMAT csv)", True),
    (f"COPY ({_ORDERED} LIMIT 5) TO STDOUT (FORMAT binary)", True),
    (f"COPY ({_ORDERED} LIMIT 3) TO STDOUT WITH BINARY", True),
    ("COPY (SELECT owner, count(*), sum(price) AS \"s%\", ARRAY[min(name)] "
     "FROM items GROUP BY owner ORDER BY owner) TO STDOUT (FORMAT csv, HEADER)", True),
    ("COPY (SELECT i.id, l.src FROM items i JOIN leads l ON l.id = i.owner "
     "ORDER BY 1) TO STDOUT", True),
    ("COPY (SELECT * FROM places ORDER BY id) TO STDOUT (FORMAT binary)", True),
    ("COPY items TO STDOUT", False),
    ("COPY items (name, id) TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER ';')", False),
    ("COPY public.items TO STDOUT CSV HEADER", False),
    ("COPY (SELECT nothing FROM items) TO STDOUT", True),
    ("COPY (SELECT id, 1 / (id - 3) FROM items ORDER BY name) TO STDOUT", True),
]  # fmt: skip


def _copied(connection: Any, sql: str, file: Any) -> Any:
    cursor = connection.cursor()
    try:
        cursor.copy_expert(sql, file)
    except _REFUSALS:
        raise
    except Exception as exc:
        connection.rollback()
        return type(exc).__name__
    return file.getvalue(), cursor.rowcount, cursor.statusmessage, cursor.description


def _sorted(said: Any) -> Any:
    """Return the same with the lines in an order, but for the first."""
    first, *rest = said[0].splitlines()
    return sorted([first, *rest]) if "id" not in str(first) else [first, *sorted(rest)]


@pytest.mark.parametrize("autocommit", [True, False])
def test_files_are_those_of_one_database(pg_world: World, autocommit, monkeypatch):
    monkeypatch.setattr("routedb.merge.bringing.BLOCK", 5)
    pg_world.routed.autocommit = autocommit
    for sql, is_ordered in COPIED:
        for kind in (io.BytesIO, io.StringIO):
            if "binary" in sql.lower() and kind is io.StringIO:
                continue
            got = _copied(pg_world.routed, sql, kind())
            expected = _copied(pg_world.one, sql, kind())
            pg_world.routed.rollback()
            pg_world.one.rollback()
            if is_ordered or isinstance(expected, str):
                assert got == expected, sql
            else:
                assert _sorted(got) == _sorted(expected), sql
                assert got[1:] == expected[1:], sql


def test_copy_to_copies_every_shard(pg_world: World):
    files = []
    for connection in pg_world:
        file = io.StringIO()
        cursor = connection.cursor()
        cursor.copy_to(file, "items", sep="|", null="none", columns=("id", "name"))
        assert cursor.rowcount == 12
        files.append(sorted(file.getvalue().splitlines()))
    assert files[0] == files[1]
    assert "4|none" in files[0]


def test_it_sees_what_the_transaction_wrote_and_shows_where_it_ran(pg_world: World):
    pg_world.routed.autocommit = False
    cursor = pg_world.routed.cursor()
    cursor.execute("INSERT INTO items (id, owner) VALUES (70, 1)")
    file = io.StringIO()
    cursor.copy_expert("COPY (SELECT id FROM items WHERE id > 60) TO STDOUT", file)
    assert file.getvalue() == "70\n"
    assert cursor.rowcount == 1
    assert cursor.route.reasons[0][0] is routedb.Reason.SEVERAL_GROUPS
    pg_world.routed.rollback()


class _Full(io.StringIO):
    def write(self, data: Any) -> int:
        raise OSError("no space left")


def test_an_error_of_the_programs_file_is_its_own(pg_world: World):
    cursor = pg_world.routed.cursor()
    for sql in ("COPY items TO STDOUT", f"COPY ({_ORDERED}) TO STDOUT"):
        with pytest.raises(OSError, match="no space left"):
            cursor.copy_expert(sql, _Full())
        cursor.execute("SELECT count(*) FROM items")
        assert cursor.fetchone() == (12,)


REFUSED = {
    "COPY items TO STDOUT (FORMAT binary)": "several beginnings",
    "COPY items TO '/tmp/routedb'": "",
    "COPY (SELECT id, random() FROM items) TO STDOUT": "at each call",
    "COPY (DELETE FROM items RETURNING *) TO STDOUT": "",
    f"COPY ({_ORDERED}) TO STDOUT (FORMAT 'binary')": "more than 5 rows",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_refused(pg_world: World, sql, monkeypatch):
    monkeypatch.setattr("routedb.merge.bringing.BLOCK", 5)
    file = io.BytesIO()
    with pytest.raises(_REFUSALS, match=REFUSED[sql] or None):
        pg_world.routed.cursor().copy_expert(sql, file)
    assert not file.getvalue()
