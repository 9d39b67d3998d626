"""The error of a fence, which stands where a table was before it was moved.

A fence is made of triggers, which refuse what would be written to the old place. What
they say is one line, `fence_text`, which names the new place and the *version* of the
placements (routedb/config/placements.py) that puts it in force. PostgreSQL has it as
MESSAGE and "version 7" as DETAIL of SQLSTATE `FENCED`; MariaDB and MySQL as the text of
SIGNAL SQLSTATE '45000', SQLite as that of RAISE(ABORT, …), which have no code of their
own: there the text begins with the code, and ends with the version.
"""

from __future__ import annotations

import re

FENCED = "RD001"
MOST_TEXT = 120  # MariaDB's MESSAGE_TEXT has 128 characters

# The setting, and the variable, by which a session shows which version it knows.
GUARD_SETTING = "routedb.placement"
GUARD_VARIABLE = "@routedb_placement"
_GUARDS = {
    "postgresql": f"SET {GUARD_SETTING} = '{{}}'",
    "mysql": f"SET {GUARD_VARIABLE} = {{}}",
}

# At the end of a line: what libpq calls DETAIL depends on the language. MySQLdb's
# errors are shown as tuples.
_VERSION = re.compile(r"\bversion (\d+)[)'\"]*[ \t]*$", re.MULTILINE)


def fence_text(table: str, place: str, version: int, has_code: bool) -> str:
    """Return what a fence says where `table` was, which is at `place` from `version`
    on. `has_code`: the server has a place for code and version beside the text."""
    said = f"table {table} has been moved to {place} by routedb"
    if has_code:
        return said
    end = f" (version {version})"
    return f"{FENCED} {said}"[: MOST_TEXT - len(end)] + end


def guard_text(dialect: str, version: int) -> str:
    """Return what has a session of `dialect` show that it knows of this `version` of
    the placements; "" where no rows move between shards."""
    return _GUARDS.get(dialect, "").format(version)


def is_fence_text(said: str) -> bool:
    """Tell whether `said`, by a server that has no code for it, is a fence's."""
    return said.startswith(f"{FENCED} ") and _VERSION.search(said) is not None


def fence_version(said: str) -> int:
    """Return the version of which the text of a fence's error tells; 0 where it tells
    of none: whatever is in force is as new."""
    found = _VERSION.findall(said)
    return int(found[-1]) if found else 0
