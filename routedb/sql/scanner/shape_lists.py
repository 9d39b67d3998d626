"""One shape for a list of literals, however long it is.

What is known of a shape does not depend on how many values an `IN (…)` has, nor on how
many rows of them follow `VALUES`. What does, such as the shards of a text, is kept by
`Scan.counted`.
"""

from __future__ import annotations

import re

from routedb.sql.scanner.patterns import QUOTED_NAMES, ByLexis

_ITEM = r"(?:(?:[-+] ?)?0|''|%s|%\(\w+\)s|\?|NULL|DEFAULT)"
_ITEMS = rf" ?{_ITEM}(?: ?, ?{_ITEM})* ?"
_ROW = rf"\({_ITEMS}\)"
_FOLDED = (
    rf"(?<![\w$.])(IN|VALUES?)( ?)(?:{_ROW}(?: ?, ?{_ROW})*"
    rf"|\( ?{_ROW}(?: ?, ?{_ROW})* ?\))|(?<![\w$.])(ARRAY ?\[){_ITEMS}(?=\])"
)
# Many names at once, with what no list begins with between them: each match is a call.
_BETWEEN = r"[0-9 ,.()=+*/<>'-]*"
_LISTS = ByLexis(
    lambda lexis: (
        re.compile(
            rf"((?:(?:{QUOTED_NAMES[lexis]}){_BETWEEN}){{1,1000}})|{_FOLDED}",
            re.IGNORECASE,
        ).sub
    )
)


def may_have_lists(shape: str) -> bool:
    """Tell quickly whether `fold_lists` may find one."""
    upper = shape.upper()
    return "IN (" in upper or "IN(" in upper or "VALUE" in upper or "ARRAY" in upper


def fold_lists(shape: str, dialect: str) -> str:
    """Return `shape`, of a text in `dialect`, with one literal for those of each list.

    A list with anything else than literals and placeholders stays as it is.
    """
    return _LISTS[dialect](_fold, shape)


def _fold(match: re.Match[str]) -> str:
    name, opener, space, array = match.groups()
    return name or (f"{array}0" if array else f"{opener}{space}(0)")
