"""Queries to SQLite itself."""

from __future__ import annotations

# Functions that applications define are Python code: their effects are not known.
BUILTIN = "SELECT max(builtin) FROM pragma_function_list WHERE name = lower(?)"
