"""Read a printed table back."""

from __future__ import annotations

import re


def rows_of(output: str) -> list[list[str]]:
    """Return the cells that are not empty of each row below the table's line."""
    lines = output.splitlines()
    line = next(n for n, text in enumerate(lines) if text.strip().startswith("──"))
    rows = []
    for text in lines[line + 1 :]:
        if not text.strip():
            break
        rows.append(re.split(r"\s{2,}", text.strip()))
    return rows
