"""docs/states.rst shows the tables as they are."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_drawn_state_tables_are_up_to_date():
    draw = runpy.run_path(str(DOCS / "draw_states.py"))
    drawn = (DOCS / "states.rst").read_text(encoding="utf-8")
    assert drawn == draw["document"](), "run python docs/draw_states.py"
