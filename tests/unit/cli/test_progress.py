"""The bar of `routedb sql`, on a terminal that is not one."""

from __future__ import annotations

import io
import time
from contextlib import redirect_stderr

import pytest

from routedb.cli import progress
from routedb.events import MergeProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(progress, "_AFTER_S", 0.01)
    return Terminal()


def wait_for(terminal, text):
    until = time.monotonic() + 30
    while text not in terminal.getvalue() and time.monotonic() < until:
        time.sleep(0.005)
    return text in terminal.getvalue()


def test_what_takes_long_is_shown(terminal):
    with redirect_stderr(terminal), progress.StatementBar() as bar:
        bar.update(MergeProgress(3, 1, 12_000, 3 * 2**20, 0.1))
        assert wait_for(terminal, "1 of 3 groups, 12000 rows, 3MB")
        bar.update(MergeProgress(3, 2, 13_000, 4 * 2**20, 0.2))
        assert wait_for(terminal, "2 of 3 groups, 13000 rows, 4MB")


def test_a_statement_of_one_group_shows_nothing(terminal):
    with redirect_stderr(terminal), progress.StatementBar() as bar:
        bar._timer.join()
    assert terminal.getvalue() == ""


def test_what_is_over_before_shows_nothing(terminal, monkeypatch):
    monkeypatch.setattr(progress, "_AFTER_S", 60)
    with redirect_stderr(terminal), progress.StatementBar() as bar:
        bar.update(MergeProgress(2, 2, 1, 1, 0.0))
    bar._timer.join()
    bar._show()
    assert terminal.getvalue() == ""


def test_without_a_terminal_nothing_waits():
    file = io.StringIO()
    with redirect_stderr(file), progress.StatementBar() as bar:
        assert not bar._timer.is_alive()
        bar.update(MergeProgress(2, 1, 1, 1, 0.0))
    assert file.getvalue() == ""
