"""SQLite's own placeholders as pyformat, in which several groups are asked.

SQLite numbers them (https://www.sqlite.org/lang_expr.html#varparam): `?` is one more
than the largest number before it, `?7` is 7, and a name is one more where it stands
for the first time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

# Quoted names and strings, comments; SQLite's own placeholders; then pyformat's.
_FOUND = re.compile(
    r"""'[^']*(?:'|\Z)|"[^"]*(?:"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z)"""
    r"""|--[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|\?(\d*)|(?<![\w:])[:@$]([A-Za-z_]\w*)"""
    r"""|(%(?:\([^()]*\))?s)""",
    re.DOTALL,
)
_MOST = 32_766  # SQLite's limit for a number


class _Own(NamedTuple):
    """A text's own placeholders: what stands between them, each one's number, from 1,
    and its name, if it has one."""

    pieces: tuple[str, ...]
    numbers: tuple[int, ...]
    names: tuple[str | None, ...]

    @property
    def is_positional(self) -> bool:
        """Tell whether they are the parameters one after another."""
        return self.numbers == tuple(range(1, len(self.numbers) + 1))


def to_pyformat(sql: str, params: Any) -> tuple[str, Any]:
    """Return `sql` with `%s` or `%(name)s` for SQLite's own placeholders, and `params`
    for it.

    Both as they are where it has none, or where they do not fit one another: SQLite
    says what is wrong. Percent signs are doubled, as pyformat wants them.
    """
    own = _own(sql) if params else None
    if own is None:
        return sql, params
    if isinstance(params, Mapping) or hasattr(params, "keys"):
        return _by_name(own, sql, params)
    if len(params) != max(own.numbers):
        return sql, params
    if own.is_positional:
        return _joined(own, ["%s"] * len(own.numbers)), params
    marks = [f"%(p{number})s" for number in own.numbers]
    return _joined(own, marks), {f"p{n}": params[n - 1] for n in own.numbers}


def _by_name(own: _Own, sql: str, params: Mapping[str, Any]) -> tuple[str, Any]:
    try:
        values = {name: params[name] for name in own.names}  # type: ignore[index]
    except KeyError:
        return sql, params
    return _joined(own, [f"%({name})s" for name in own.names]), values


def _joined(own: _Own, marks: list[str]) -> str:
    first, *rest = own.pieces
    return first + "".join(
        mark + piece for mark, piece in zip(marks, rest, strict=True)
    )


@lru_cache(maxsize=4096)
def _own(sql: str) -> _Own | None:
    """Take `sql` apart; None where it is pyformat, or has no placeholders."""
    pieces, numbers, names = [], [], []
    by_name: dict[str, int] = {}
    at = largest = 0
    has_marks = has_pyformat = False
    for match in _FOUND.finditer(sql):
        number, name, pyformat = match.groups()
        has_pyformat |= pyformat is not None
        if number is None and name is None:
            continue
        has_marks |= number is not None
        if number:
            its = int(number[:6])
            if not 0 < its <= _MOST:
                return None
        else:
            its = by_name.setdefault(match[0], largest + 1) if name else largest + 1
        largest = max(largest, its)
        pieces.append(sql[at : match.start()].replace("%", "%%"))
        numbers.append(its)
        names.append(name)
        at = match.end()
    if not numbers or (has_pyformat and not has_marks):
        return None
    pieces.append(sql[at:].replace("%", "%%"))
    return _Own(tuple(pieces), tuple(numbers), tuple(names))
