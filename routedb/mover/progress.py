"""What a mover tells of itself, at each step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A step that was done, or is about to be."""

    step: str
    table: str = ""
    rows: int = 0
    total: int = 0
    bytes: int = 0  # of the rows, on their way
