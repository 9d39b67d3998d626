"""How a move comes on, as `routedb move` shows it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from routedb.cli import move_display
from routedb.cli.move_display import Display
from routedb.move import Progress


@pytest.fixture
def clock(monkeypatch):
    """The time, which does not go by."""
    made = SimpleNamespace(now=100.0)
    timed = SimpleNamespace(monotonic=lambda: made.now)
    monkeypatch.setattr(move_display, "time", timed)
    return made


def test_each_step_of_each_table_is_a_line_where_there_is_no_terminal(clock, capsys):
    with Display() as shown:
        for table in ("a", "b", "b"):
            shown.tell(Progress("table made", table))
        shown.tell(Progress("before: triggers made"))
        shown.tell(Progress("triggers made"))
    assert capsys.readouterr().err == "a table made\nb table made\ntriggers made\n"


def test_chunks_are_shown_with_their_bytes_and_rate_now_and_then(clock, capsys):
    with Display() as shown:
        shown.tell(Progress("chunk copied", "a"))
        shown.tell(Progress("all copied"))
        for rows in (1000, 2000, 9000):
            shown.tell(Progress("chunk copied", "a", rows, 10_000, rows * 1024))
            clock.now += 4.0
    assert capsys.readouterr().err.splitlines() == [
        "a chunk copied",
        "all copied",
        "a chunk copied, 1,000 of about 10,000 rows, 1000kB",
        "a chunk copied, 9,000 of about 10,000 rows, 8.789MB, 1,000 rows/s",
    ]
