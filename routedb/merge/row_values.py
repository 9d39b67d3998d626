"""The values of a row as a driver's plain cursor makes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def values_of(row: Any) -> Sequence[Any]:
    """Return the values of `row`, a sequence or, by name, a dict."""
    return tuple(row.values()) if isinstance(row, dict) else row
