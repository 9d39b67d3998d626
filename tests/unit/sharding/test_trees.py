"""A parser that is at a loss, and a program that speaks meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
import sqlglot

from routedb.planner.source_text import read_source
from routedb.sharding.rewrite.trees import trees_of
from tests.support.inject import TimeLimit
from tests.support.sharded import plan

TEXT = "SELECT id FROM orders WHERE customer_id = 1"


@pytest.mark.parametrize("text", ["SELECT FROM WHERE (", "'", "a b c d", "SELECT ("])
def test_what_is_not_understood_has_no_trees(text):
    assert trees_of(text, "postgres") is None


@pytest.mark.parametrize("kind", [TimeLimit, TimeoutError, ValueError, KeyError])
def test_what_a_signal_handler_raises_comes_out(monkeypatch, kind):
    """It says nothing of the text: nobody may keep that it is not understood."""

    def handler(*args: Any, **options: Any) -> Any:
        raise kind("of the program")

    monkeypatch.setattr(sqlglot, "parse", handler)
    for read in (
        lambda: trees_of(TEXT, "postgres"),
        lambda: read_source(TEXT, "postgresql"),
        lambda: plan(TEXT),
    ):
        with pytest.raises(kind, match="of the program"):
            read()
