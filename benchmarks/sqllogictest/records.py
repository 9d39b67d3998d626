"""A file of the suite, record by record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_HASHED_FROM = 8  # values; what every file of the suite says


class Record(NamedTuple):
    """One statement, or with `types` a query: I, R or T for each column.

    `sort` is nosort, rowsort or valuesort, `answer` what the suite says comes out, ()
    where another record with that label has it.
    """

    sql: str
    types: str = ""
    sort: str = ""
    answer: tuple[str, ...] = ()

    @property
    def is_query(self) -> bool:
        return bool(self.types)


def records(content: str, engine: str) -> Iterator[Record]:
    """Yield the records of a file that are for `engine`, up to where it halts."""
    for block in content.replace("\r\n", "\n").split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith("#")]
        while lines and not lines[0].strip():
            del lines[0]
        is_meant = True
        while lines and lines[0].split()[0] in ("skipif", "onlyif"):
            word, name = lines.pop(0).split()[:2]
            is_meant = is_meant and (name == engine) == (word == "onlyif")
        if not lines or not is_meant:
            continue
        head = lines[0].split()
        if head[0] == "halt":
            return
        if head[0] == "statement":
            yield Record("\n".join(lines[1:]).strip())
        elif head[0] == "query":
            yield _query(head, lines[1:])


def _query(head: Sequence[str], lines: Sequence[str]) -> Record:
    end = lines.index("----") if "----" in lines else len(lines)
    answer = tuple(line for line in lines[end + 1 :] if line)
    sort = head[2] if len(head) > 2 else "nosort"  # noqa: PLR2004
    return Record("\n".join(lines[:end]).strip(), head[1], sort, answer)


def written(rows: Sequence[Sequence[Any]], record: Record) -> tuple[str, ...]:
    """Return rows as the suite writes the answer of `record`."""
    shown = [
        [_shown(value, type_) for value, type_ in zip(row, record.types, strict=False)]
        for row in rows
    ]
    if record.sort == "rowsort":
        shown.sort()
    values = [value for row in shown for value in row]
    if record.sort == "valuesort":
        values.sort()
    if len(values) <= _HASHED_FROM:
        return tuple(values)
    text = "".join(f"{value}\n" for value in values)
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return (f"{len(values)} values hashing to {digest}",)


def _shown(value: Any, type_: str) -> str:
    if value is None:
        return "NULL"
    if type_ == "I":
        return str(int(value)) if _is_number(value) else "0"
    if type_ == "R":
        return f"{float(value):.3f}"
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    plain = "".join(each if " " <= each <= "~" else "@" for each in text)
    return plain or "(empty)"


def _is_number(value: Any) -> bool:
    try:
        int(value)
    except ValueError:
        return False
    return True
