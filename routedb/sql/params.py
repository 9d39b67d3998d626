"""Translate pyformat, which every connection speaks, to SQLite's question marks."""

from __future__ import annotations

import re
from functools import lru_cache

from routedb.errors import ProgrammingError

# Quoted names and strings, comments, then what % begins.
_FORMAT = re.compile(
    r"""'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|%(?:\(([^()]*)\))?(.?)""",
    re.DOTALL,
).sub


@lru_cache(maxsize=4096)
def to_qmark(sql: str) -> tuple[str, tuple[str, ...] | None]:
    """Return `sql` with `?` for `%s` and `%(name)s`, and the names in their order.

    The names are None when the parameters are positional. `%%` is one `%` everywhere,
    in strings and comments too; so call this only when there are parameters. A `%s` in
    there stays: as a question mark it would be part of the string, and no parameter.
    Raises ProgrammingError.
    """
    names: list[str] = []
    styles: set[bool] = set()

    def translate(match: re.Match[str]) -> str:
        name, letter = match[1], match[2]
        if letter is None:
            return match[0].replace("%%", "%")
        if letter == "%" and name is None:
            return "%"
        if letter != "s":
            raise ProgrammingError(
                f"unsupported format character {letter!r} at position {match.end()}: "
                "write %s or %(name)s for a parameter, %% for a percent sign"
            )
        styles.add(name is not None)
        if name is not None:
            names.append(name)
        return "?"

    text = _FORMAT(translate, sql)
    if len(styles) > 1:
        raise ProgrammingError(
            "%s and %(name)s are mixed in one statement: use one style"
        )
    return text, tuple(names) if True in styles else None
