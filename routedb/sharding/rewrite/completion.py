"""What an INSERT leaves to the catalog, written into its text.

A text without the names of its columns is sent with them, and a key that a default
gives is sent as a value: what the catalog said may be old by the time the text arrives,
and a row must not be stored under another key than its shard was chosen by.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from routedb.sharding.keys.value_terms import ConstantTerm
from routedb.sharding.refusals import refuse
from routedb.sql.scanner.identifiers import quote_identifier
from routedb.sql.scanner.literals import read_literal

_BEFORE_ROWS = re.compile(
    r"(?:\bOVERRIDING\s+(?:SYSTEM|USER)\s+VALUE\s+)?\bVALUES?\s*\Z", re.IGNORECASE
).search


class Completion(NamedTuple):
    """What is added to a text: the `names` of its columns, in brackets, or "" where it
    has them; to those the `key`, and to each row its value. `closing` ends a row."""

    names: str
    key: str
    closing: str
    constant: ConstantTerm | None

    def head(self, head: str, code: str) -> str:
        """Return the `head` of the text, up to its first row, with the names; `code` is
        the masked text. Raises ShardError where the names have no certain place."""
        found = _BEFORE_ROWS(code, 0, len(head))
        if found is None:
            refuse("it is not certain where the columns of the INSERT are named", "")
        at = found.start()
        if self.names:
            return f"{head[:at]} {self.names} {head[at:]}"
        closing = len(code[:at].rstrip()) - 1
        if code[closing] != ")":
            refuse("it is not certain where the columns of the INSERT are named", "")
        return f"{head[:closing]}, {self.key}{head[closing:]}"


def completion_of(
    names: tuple[str, ...], key: str, added: str | None, dialect: str
) -> Completion:
    """Return how to complete a text of `dialect`.

    `names` are those of its columns when it has none, `key` is the shard key's, `added`
    the literal that its default is, None where the text has a value for it.
    """
    written = [_quoted(name, dialect) for name in names]
    closing, constant = ")", None
    if added is not None:
        closing, constant = f", {added})", ConstantTerm(_value(added, dialect))
        if names:
            written.append(_quoted(key, dialect))
    listed = f"({', '.join(written)})" if names else ""
    return Completion(listed, _quoted(key, dialect), closing, constant)


def _quoted(name: str, dialect: str) -> str:
    if "%" in name:
        refuse(f"column {name}: name the columns of the INSERT, with %% for %", "")
    return quote_identifier(name, dialect)


def _value(literal: str, dialect: str) -> object:
    if literal[:1] == "-":
        return -read_literal(literal[1:], dialect)  # type: ignore[operator]  # a number
    return read_literal(literal, dialect)
