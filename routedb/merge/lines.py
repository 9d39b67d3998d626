"""Rows as lines of text: in memory while they are few, then in a file without a name.

The form is COPY's text format, and LOAD DATA's: tabs between values, a newline after
the last, `\\N` for NULL, and a backslash before what would be mistaken for one of
these. So what PostgreSQL has sent goes on as it came, and what is in the file goes to a
server without a look at its values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any

from routedb.merge.refused import NotMerged
from routedb.merge.row_values import values_of

_IN_MEMORY = 2**20  # bytes; more are in a file
_BLOCK = 2**19
_NULL = "\\N"
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Lines:
    """The rows that have come of one fragment from one group."""

    def __init__(self) -> None:
        self._file: IO[bytes] = BytesIO()
        self._count = 0
        self.size = 0  # in bytes

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[str | None, ...]]:
        """Yield the rows, with their values as texts."""
        for block in self.blocks():
            for line in block.decode().split("\n")[:-1]:
                yield tuple(map(_value, line.split("\t")))

    def add(self, block: bytes) -> None:
        """Add whole lines."""
        self._file.write(block)
        self._count += block.count(b"\n")
        self.size += len(block)
        if self.size > _IN_MEMORY and isinstance(self._file, BytesIO):
            memory = self._file
            self._file = _open_file()
            self._file.write(memory.getbuffer())

    def add_rows(self, rows: Iterable[Any]) -> None:
        """Add rows, whose values are texts. Raises NotMerged where they are not."""
        written = "".join(f"{_line(values_of(row))}\n" for row in rows)
        self.add(written.encode())

    def blocks(self) -> Iterator[bytes]:
        """Yield all lines, in blocks of whole ones."""
        file = self.read()
        while block := file.read(_BLOCK):
            yield block if block.endswith(b"\n") else block + file.readline()

    def read(self) -> IO[bytes]:
        """Return a file of all lines, at its beginning."""
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Forget the rows."""
        self._file.close()


def _open_file() -> IO[bytes]:
    return TemporaryFile(prefix="routedb-")


def _line(values: Sequence[Any]) -> str:
    try:
        return "\t".join([_NULL if v is None else _field(v) for v in values])
    except TypeError:
        raise NotMerged("texts are made by a type caster of the program's") from None


def _field(value: str) -> str:
    # `translate` looks at each letter, and `in` is C's.
    if "\\" in value or "\t" in value or "\n" in value or "\r" in value:
        return value.translate(_ESCAPED)
    return value


def _value(field: str) -> str | None:
    if "\\" not in field:
        return field
    return None if field == _NULL else _ESCAPE.sub(_meant, field)


def _meant(found: re.Match[str]) -> str:
    return _MEANT.get(found[1], found[1])
