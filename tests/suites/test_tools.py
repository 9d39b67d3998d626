"""Tracing tools, as they are published, note what a program runs, and nothing else."""

from __future__ import annotations

import pytest

from tests.suites.tools import noted, tools_environment
from tests.suites.traced_program import STATEMENTS, TOOLS, WAYS


@pytest.mark.long
@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_notes_each_statement_once(pg, tool):
    python = tools_environment()
    found = {way: noted(python, tool, way, pg.dsns) for way in WAYS}
    assert found == dict.fromkeys(WAYS, STATEMENTS)
