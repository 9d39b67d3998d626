"""Placeholders as every connection takes them, pyformat, and their translation."""

from __future__ import annotations

import re
from functools import lru_cache

from routedb.errors import ProgrammingError

# One placeholder with its name as the pattern's group, and all that % may begin.
NAMED = r"%\(([^()]*)\)s"
PYFORMAT = rf"%%|%s|{NAMED}"

_FOUND = re.compile(PYFORMAT).finditer
# Quoted names and strings, comments, then SQLite's own placeholders, and what % begins.
# A quote that is not closed ends with the text: else each would look for its end.
_FORMAT = re.compile(
    r"""'[^']*(?:'|\Z)|"[^"]*(?:"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z)"""
    r"""|--[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|(\?)|(?<![\w:])([:@$][A-Za-z_]\w*)"""
    r"""|%(?:\(([^()]*)\))?(.?)""",
    re.DOTALL,
)
_QMARK = 1  # the group
_MAY_BE_ONE = re.compile("[%?:@$]").search


def count_positional(text: str) -> int:
    """Return the number of `%s` in `text`, those in strings and comments as well."""
    return sum(match[0] == "%s" for match in _FOUND(text))


@lru_cache(maxsize=4096)
def to_qmark(sql: str) -> tuple[str, tuple[str, ...] | None]:
    """Return `sql` with `?` for `%s` and `%(name)s`, and the names in their order.

    The names are None when the parameters are positional. `%%` is one `%` everywhere,
    in strings and comments too; so call this only when there are parameters. A `%s` in
    there stays: as a question mark it would be part of the string, and no parameter.
    A text with SQLite's own placeholders (`?`, else `:name` and no `%s`) is returned as
    it is. Raises ProgrammingError.
    """
    if _MAY_BE_ONE(sql) is None:
        return sql, None
    if "?" in sql and any(each.lastindex == _QMARK for each in _FORMAT.finditer(sql)):
        return sql, None
    names: list[str] = []
    styles: set[bool] = set()
    has_colons = False
    wrong: list[str] = []

    def translate(match: re.Match[str]) -> str:
        nonlocal has_colons
        colon, name, letter = match.group(2, 3, 4)
        if colon:
            has_colons = True
            return match[0]
        if letter is None:
            return match[0].replace("%%", "%")
        if letter == "%" and name is None:
            return "%"
        if letter != "s" and not wrong:  # the first one is told
            wrong.append(
                f"unsupported format character {letter!r} at position {match.end()}: "
                "write %s or %(name)s for a parameter, %% for a percent sign"
            )
        styles.add(name is not None)
        if name is not None:
            names.append(name)
        return "?"

    text = _FORMAT.sub(translate, sql)
    if has_colons and (wrong or not styles):
        return sql, None
    if wrong:
        raise ProgrammingError(wrong[0])
    if len(styles) > 1:
        raise ProgrammingError(
            "%s and %(name)s are mixed in one statement: use one style"
        )
    return text, tuple(names) if True in styles else None
