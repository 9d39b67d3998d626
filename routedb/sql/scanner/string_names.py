"""SQLite takes a string for a name where only a name can stand: INSERT INTO 'items'."""

from __future__ import annotations

import re

from routedb.sql.scanner.patterns import COMMENT, NUMBER, STRING

# Of a shape: the words behind which a name is due. What is compared by IS DISTINCT FROM
# is a value.
_NAME_DUE = (
    r"(?:(?<!DISTINCT )\bFROM|\b(?:INTO|JOIN|UPDATE|TABLE|VIEW|EXISTS|REFERENCES|TO"
    r"|REINDEX|ANALYZE|UPDATE OR \w+)|\.)"
)
# CREATE INDEX and CREATE TRIGGER name their table behind ON, where a join has a value.
_DEFINES_ON = r"(?:EXPLAIN )?(?:QUERY PLAN )?CREATE\b.* ON ?''"
_defines_on = re.compile(_DEFINES_ON, re.IGNORECASE).match
# Behind the string, so that only strings are looked at: tried at every word, the words
# above cost 0.4 s of a text of 1 MB. A look-behind has one width.
_DUE_ENDS = (
    *("FROM", "INTO", "JOIN", "UPDATE", "TABLE", "VIEW", "EXISTS", "REFERENCES", "TO"),
    *("REINDEX", "ANALYZE", "ROLLBACK", "ABORT", "REPLACE", "FAIL", "IGNORE"),
)


def _behind(space: str) -> str:
    words = "|".join(rf"(?<=\b{word}{space}'')" for word in _DUE_ENDS)
    is_value = f"(?<!DISTINCT FROM{space}'')"
    return rf"(?<=\.{space}'')|(?<=[a-zA-Z]{space}''){is_value}(?:{words})"


has_string_name = re.compile(
    rf"''(?:{_behind('')}|{_behind(' ')})|\A{_DEFINES_ON}", re.IGNORECASE
).search
_ends_before_name = re.compile(rf"{_NAME_DUE}\s*\Z", re.IGNORECASE).search
_ends_with_on = re.compile(r"\bON\s*\Z", re.IGNORECASE).search


def name_strings(parts: list[str], code: list[str], shape: str) -> list[int]:
    """Return where in `parts` the strings stand that are names; `code` is told.

    `parts` are those of a Scan of SQLite, `code` the same with stand-ins, and `shape`
    what comes of it, for which `has_string_name` is true.
    """
    is_on = _defines_on(shape) is not None
    found = []
    before = ""
    for index, piece in enumerate(code):
        if not (index % 2 and piece in (STRING, NUMBER)):
            if piece != COMMENT:
                before = f"{before[-40:]}{piece}"
            continue
        is_due = _ends_before_name(before) or (is_on and _ends_with_on(before))
        if is_due and parts[index][0] == "'":
            name = parts[index][1:-1].replace("''", "'").replace('"', '""')
            code[index] = f'"{name}"'
            found.append(index)
        before = ""
    return found
