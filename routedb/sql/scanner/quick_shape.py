"""The shape of a plain text, in few passes that run in C: as `shape.scan` finds it.

A program sends ever new texts of known shapes. What such a text is made of is mostly
plain: strings without a backslash, numbers, names of letters, comments around it. Then
splitting at quotes tells strings from code, and one substitution with a constant takes
the numbers out: a third of the cost of looking at each literal.

Any doubt is None, and `scan` reads the text. What is left as it is where `scan` would
have put a stand-in (`1e5`, `E''`) does no harm: no shape has that in it, so nothing is
found by it. So each step here may do less than `scan` does, and never more.
"""

from __future__ import annotations

import re
from itertools import product

from routedb.sql.scanner.string_names import has_string_name

# Of a longer text `long_text` takes the lists out in less.
_LONGEST_LISTS = 2_000
_LONGEST = 65_536
# A whole list of them is one, where it stands behind IN.
_NUMBERS = re.compile(
    r"[0-9](?:(?<= [iI][nN] \(.)[0-9]*(?:\.[0-9]+)?(?:, ?[0-9]+(?:\.[0-9]+)?)*(?=\))"
    r"|(?<![\w$.\"'`].)[0-9]*(?:\.[0-9]+)?(?![\w$.]))"
).sub
_NAME_QUOTES = {"postgresql": ('"',), "mysql": ("`",), "sqlite": ('"', "`")}
# In code: what may begin a comment or a quote of another kind than those read here.
_STRANGE = {
    "postgresql": ("--", "/*", "$", '&"'),
    "mysql": ("--", "/*", "#", '"', "["),
    "sqlite": ("--", "/*", "["),
}
# How statements begin whose literals may stay in the shape, at least.
_TELLING = frozenset(
    "".join(letters)
    for word in ("SET", "PRE", "COM", "ROL", "PRA")
    for letters in product(*((each, each.lower()) for each in word))
)
_SPACE = " \t\n\r\f\v"
_odd_space = re.compile(r"[\x1c-\x1f]").search

_ITEMS = frozenset({"0", "''", "%s", "?", "-0", "NULL", "null", "DEFAULT", "default"})
_LISTS = ((" IN (", ")"), (" ARRAY[", "]"), ("(ARRAY[", "]"))


def masked(sql: str, dialect: str) -> str | None:
    """Return the mask of `sql`, a text of `dialect`: a stand-in for each string and
    number, no comments around it. None for an open quote, or a long list.

    `sql` holds no NUL, and is one that every session reads alike (`may_depend`).
    Texts of one mask have one shape where `shape_of` knows it, else perhaps not.
    """
    if len(sql) > _LONGEST_LISTS and _is_for_others(sql):
        return None
    if "/*" in sql or "--" in sql:
        sql = _uncommented(sql, dialect)
    parts = sql.split("'")
    if len(parts) > 1:
        if not len(parts) & 1:
            return None
        sql = "''".join(parts[::2])
    return _NUMBERS("0", sql)


def shape_of(code: str, dialect: str) -> str | None:
    """Return the shape of the texts that have the mask `code` in `dialect`; None where
    that takes a scan of each."""
    while "''''" in code:  # a quote in a string
        code = code.replace("''''", "''")
    for strange in _STRANGE[dialect]:
        if strange in code:
            return None
    has_names = '"' in code or "`" in code
    if has_names and not _has_plain_names(code, _NAME_QUOTES[dialect]):
        return None
    if "  " in code or not code.isprintable():
        if _odd_space(code):
            return None
        code = " ".join(code.split())
    else:
        code = code.strip(" ")
    if not code.isascii() or code[:3] in _TELLING or ";" in code[:-1]:
        return None
    if "'" in code:
        if "'' ''" in code:  # one string, perhaps
            return None
        if dialect == "sqlite" and has_string_name(code):
            return None
    return _fold_lists(code) if "(" in code or "[" in code else code


def _is_for_others(sql: str) -> bool:
    return "VALUES" in sql or " IN (" in sql or len(sql) > _LONGEST


def _has_plain_names(code: str, quotes: tuple[str, ...]) -> bool:
    """Tell whether what stands in these quotes is letters, digits and underscores: no
    quote of another kind, and nothing that looks like code."""
    for quote in quotes:
        if quote in code:
            pieces = code.split(quote)
            if not (len(pieces) & 1 and "".join(pieces[1::2]).isidentifier()):
                return False
    return True


def _uncommented(sql: str, dialect: str) -> str:
    """Return `sql` without the comments before and behind it, but for hints.

    What looks like one behind the text is one if no quote is open and no comment begins
    before it, as is looked for in what is left. So no dashes are taken away before what
    looked like a comment in brackets: they might hold its begin, and not its end.
    """
    if "routedb:" in sql:
        return sql
    rest: str | None = sql
    while rest is not None:
        sql = rest.lstrip(_SPACE)
        rest = _without_first(sql, dialect)
    for without_last in (_without_line, _without_brackets):
        rest = sql
        while rest is not None:
            sql = rest.rstrip(_SPACE)
            rest = without_last(sql, dialect)
    return sql


def _without_first(sql: str, dialect: str) -> str | None:
    if sql.startswith("/*"):
        end = sql.find("*/", 2)
        is_nested = end < 0 or "/*" in sql[2 : end + 1]
        if is_nested or sql.startswith(("!", "M!"), 2):
            return None
        return sql[end + 2 :]
    if sql.startswith("--"):
        line, _, rest = sql.partition("\n")
        return rest if _is_line_comment(line, dialect) else None
    return None


def _without_brackets(sql: str, dialect: str) -> str | None:
    if not sql.endswith("*/"):
        return None
    at = sql.rfind("/*")
    is_one = at >= 0 and sql.find("*/", at + 2) == len(sql) - 2
    if is_one and not sql.startswith(("!", "M!"), at + 2) and _is_code(sql, at):
        return sql[:at]
    return None


def _without_line(sql: str, dialect: str) -> str | None:
    at = sql.find("--", sql.rfind("\n") + 1)
    if at >= 0 and _is_line_comment(sql[at:], dialect) and _is_code(sql, at):
        return sql[:at]
    return None


def _is_code(sql: str, at: int) -> bool:
    return not sql.count("'", 0, at) & 1


def _is_line_comment(line: str, dialect: str) -> bool:
    """Tell whether all of `line`, which begins with two dashes, is certainly one."""
    return "\r" not in line and (dialect != "mysql" or line[2:3] in (" ", "\t"))


def _fold_lists(code: str) -> str:
    """Make one literal of those of each list, as `shape_lists.fold_lists` does."""
    upper = code.upper()
    for opener, closer in _LISTS:
        at = upper.find(opener)
        while at >= 0:
            start = at + len(opener)
            end = code.find(closer, start)
            items = code[start:end]
            if items != "0" and end > 0 and _are_items(items):
                code = f"{code[:start]}0{code[end:]}"
                upper = code.upper()
            at = upper.find(opener, start)
    return _fold_rows(code, upper) if " VALUES" in upper else code


def _fold_rows(code: str, upper: str) -> str:
    start = upper.find(" VALUES") + 7
    start += code.startswith(" ", start)
    if not code.startswith("(", start):
        return code
    rows = code[start + 1 :].split("),(" if "),(" in code else "), (")
    rows[-1], closer, rest = rows[-1].partition(")")
    if closer and all(map(_are_items, set(rows))):
        return f"{code[:start]}(0){rest}"
    return code


def _are_items(items: str) -> bool:
    return (
        items.replace("'', ", "") == "''"
        or _ITEMS.issuperset(items.split(", "))
        or _ITEMS.issuperset(items.split(","))
    )
