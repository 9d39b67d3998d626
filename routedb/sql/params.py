"""Translate pyformat, which every connection speaks, to SQLite's question marks."""

from __future__ import annotations

import re
from functools import lru_cache

from routedb.errors import ProgrammingError

_FORMAT = re.compile(r"%(?:\(([^()]*)\))?(.?)", re.DOTALL).sub


@lru_cache(maxsize=4096)
def to_qmark(sql: str, dialect: str = "sqlite") -> tuple[str, tuple[str, ...] | None]:
    """Return `sql` with `?` for `%s` and `%(name)s`, and the names in their order.

    The names are None when the parameters are positional. As in psycopg2 a `%` counts
    everywhere, in strings and comments too, and `%%` is one `%`; so call this only
    when there are parameters. `dialect` is that of `sql`; its question marks outside
    quotes would be taken for parameters and are refused. Raises ProgrammingError.
    """
    names: list[str] = []
    styles: set[bool] = set()

    def translate(match: re.Match[str]) -> str:
        name, letter = match[1], match[2]
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
