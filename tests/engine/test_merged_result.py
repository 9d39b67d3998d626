"""Results of several raw cursors as one, and how those are opened and closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import routedb
from routedb.adapters import fake
from routedb.engine.run.merged_result import MergedResult

COLUMNS = [("id", None, None, None, None, None, None)]


class Part:
    """What a raw cursor tells of its part."""

    arraysize = 1
    lastrowid = None

    def __init__(self, rows: list[Any], **told: Any) -> None:
        self._rows = rows
        self.description = COLUMNS
        self.rowcount = len(rows)
        vars(self).update(told)

    def fetchall(self) -> list[Any]:
        return self._rows


def merged(*parts: tuple[Any, Any]) -> Any:
    """Return the result of parts, each with the numbers of its rows."""
    result = MergedResult()
    for part, places in parts:
        result.add(part, places)
    result.finish()
    return result


def test_rows_are_put_in_the_order_of_the_statement():
    result = merged((Part(["b", "d"]), (1, 3)), (Part(["a", "c"]), (0, 2)))
    assert (result.rowcount, result.description) == (4, COLUMNS)
    assert (result.fetchone(), result.fetchmany(2), list(result)) == (
        "a", ["b", "c"], ["d"],
    )  # fmt: skip


def test_rows_that_were_not_inserted_leave_those_of_a_part_together():
    """ON CONFLICT DO NOTHING returns none for them, and does not say which."""
    result = merged((Part(["b"]), (1, 3)), (Part(["a", "c"]), (0, 2)))
    assert sorted(result.fetchall()) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("tags", "tag"),
    [
        (["INSERT 0 2", "INSERT 0 3"], "INSERT 0 5"),
        (["INSERT 0 2"], "INSERT 0 2"),
        (["CREATE TABLE", "CREATE TABLE"], "CREATE TABLE"),
        ([None, None], None),
    ],
)
def test_command_tags_are_summed(tags, tag):
    parts = [(Part([], statusmessage=each), ()) for each in tags]
    assert merged(*parts).statusmessage == tag


@pytest.mark.parametrize("wanted", [(-1, "absolute"), (3, "absolute"), (2, "relative")])
def test_scrolling_outside_raises_and_moves_nothing(wanted):
    result = merged((Part(["a", "b", "c"]), (0, 1, 2)))
    result.fetchone()
    with pytest.raises(IndexError):
        result.scroll(*wanted)
    assert result.rownumber == 1


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[fake.Cursor]:
    """The raw cursors that are opened while the test runs."""
    found: list[fake.Cursor] = []

    def cursor(adapter: fake.FakeAdapter, raw: fake.Link) -> fake.Cursor:
        found.append(fake.Cursor(raw))
        return found[-1]

    monkeypatch.setattr(fake.FakeAdapter, "cursor", cursor)
    return found


@pytest.fixture
def cursor() -> Iterator[Any]:
    """A cursor of a connection to two fake shards."""
    with ExitStack() as stack:
        servers = [stack.enter_context(fake.Server(name)) for name in ("s0", "s1")]
        for number, server in enumerate(servers):
            server.answer("INSERT", rows=[(f"from {number}",)], columns=["note"])
        source = {
            "databases": {"shop": {"shards": [["fake://s0"], ["fake://s1"]]}},
            "tables": {
                "t": {"database": "shop", "shard_key": "k", "function": "modulo"}
            },
        }
        cluster = stack.enter_context(routedb.Cluster(source))
        with cluster.connect() as connection, connection.cursor() as cursor:
            yield cursor


INSERT = "INSERT INTO t (k) VALUES (1), (0) RETURNING note"


def test_raw_cursors_of_the_parts_are_closed_and_not_kept(cursor, opened):
    cursor.execute(INSERT)
    assert cursor.fetchall() == [("from 1",), ("from 0",)]
    assert [raw.is_closed for raw in opened] == [True, True]
    assert cursor.raw_cursors == {}


def test_the_raw_cursor_of_a_part_that_fails_is_closed(cursor, opened):
    cursor.connection.autocommit = False
    opened.clear()
    cursor.execute("INSERT INTO t (k) VALUES (1)")
    fake.SERVERS["s1"].fail("execute", routedb.errors.Fault.STATEMENT, match="(1)")
    with pytest.raises(routedb.IntegrityError):
        cursor.execute(INSERT)
    one, *parts = opened
    assert [raw.is_closed for raw in (one, *parts)] == [False, True, True]


def test_a_cursor_without_a_frontend_shows_what_its_raw_cursors_do(cursor):
    cursor.execute(INSERT)
    assert (cursor.rowcount, cursor.rownumber, cursor.lastrowid) == (2, 0, None)
    assert (cursor.query, cursor.statusmessage, cursor.nextset()) == (None, None, None)
