"""What is asked of SQLite itself."""

from __future__ import annotations

# Functions that applications define are Python code: nobody knows what they do.
BUILTIN = "SELECT max(builtin) FROM pragma_function_list WHERE name = lower(?)"
