"""SQLite takes a string for a name where only a name can stand: INSERT INTO 'items' …"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from routedb.sql.scanner.patterns import NAME, STRING

# Of a shape: the words behind which a name is due. What is compared by IS DISTINCT FROM
# is a value.
_NAME_DUE = (
    r"(?:(?<!DISTINCT )\bFROM|\b(?:INTO|JOIN|UPDATE|TABLE|VIEW|EXISTS|REFERENCES|TO"
    r"|REINDEX|ANALYZE|UPDATE OR \w+)|\.)"
)
# CREATE INDEX and CREATE TRIGGER name their table behind ON, where a join has a value.
_DEFINES_ON = r"(?:EXPLAIN )?(?:QUERY PLAN )?CREATE\b.* ON ?''"
_defines_on = re.compile(_DEFINES_ON, re.IGNORECASE).match
has_string_name = re.compile(
    rf"{_NAME_DUE} ?''|\A{_DEFINES_ON}", re.IGNORECASE
).search
_ends_before_name = re.compile(rf"{_NAME_DUE}\s*\Z", re.IGNORECASE).search
_ends_with_on = re.compile(r"\bON\s*\Z", re.IGNORECASE).search


def name_strings(
    parts: Sequence[str], shape: str, marks: Mapping[str, str]
) -> list[str]:
    """Return `parts` with the strings that are names written as such.

    `parts` are those of a Scan of SQLite whose `shape` has a string where a name is
    due, and `marks` say what stands in there for each kind of part.
    """
    is_on = _defines_on(shape) is not None
    named = list(parts)
    before = ""
    for index, part in enumerate(parts):
        mark = marks[part[0]] if index % 2 else NAME
        if mark == NAME:
            before = f"{before[-40:]}{part}"
        elif mark == STRING:
            if _ends_before_name(before) or (is_on and _ends_with_on(before)):
                name = part[1:-1].replace("''", "'").replace('"', '""')
                named[index] = f'"{name}"'
            before = ""
    return named
