"""The lines of a file that COPY reads, and the value of one column in each.

A line is one row; it is taken as it is, and only looked at. What the server would make
an error of goes to some server, which says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from routedb.merge.refused import NotMerged
from routedb.planner import LineFormat

_END = b"\\."
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL).sub
_RETURN = b"\r"
_NO_BYTE_ALONE = 128


class Line(NamedTuple):
    """One row: the bytes with their end, and the number of its first line."""

    data: bytes
    number: int


class Missing(Exception):  # noqa: N818  (never leaves this package)
    """A line has no such column: the server says so."""


def lines_of(blocks: Iterable[bytes], form: LineFormat) -> Iterator[Line]:
    """Yield the rows in `blocks` of a file of the format `form`, and nothing behind the
    mark of its end. Raises NotMerged for ends of lines that are not all alike."""
    is_whole = _is_whole_csv(form) if form.name == "csv" else _is_whole_text
    number, has_return = 1, None
    for data in _whole(blocks, is_whole):
        bare = data.rstrip(b"\n")
        ends = bare.endswith(_RETURN) and not _escapes_last(bare[:-1], form)
        if has_return is None:
            has_return = ends
        if ends != has_return or _has_odd_return(bare, form):
            raise NotMerged(f"line {number} of the file has another end than the first")
        if (bare[:-1] if ends else bare) == _END:
            for _ in blocks:  # as the server does, which has been told of the end
                pass
            return
        yield Line(bare + b"\n", number)
        number += data.count(b"\n") or 1


def _whole(
    blocks: Iterable[bytes], is_whole: Callable[[bytes], bool]
) -> Iterator[bytes]:
    """Yield what stands between newlines that end a row, with these."""
    left, begun = b"", []
    for block in blocks:
        pieces = (left + block).split(b"\n")
        left = pieces.pop()
        for piece in pieces:
            begun.append(piece)
            data = begun[0] if len(begun) == 1 else b"\n".join(begun)
            if is_whole(data):
                yield data + b"\n"
                begun = []
    if left or begun:
        yield b"\n".join([*begun, left])


def _is_whole_text(data: bytes) -> bool:
    return not _escapes_last(data)


def _escapes_last(data: bytes, form: LineFormat | None = None) -> bool:
    """Tell whether what follows `data` is escaped, in the text format."""
    if form is not None and form.name == "csv":
        return False
    return (len(data) - len(data.rstrip(b"\\"))) % 2 == 1


def _is_whole_csv(form: LineFormat) -> Callable[[bytes], bool]:
    quote, escape = form.quote.encode(), form.escape.encode()
    if quote == escape:
        return lambda data: data.count(quote) % 2 == 0

    def is_whole(data: bytes) -> bool:
        is_quoted = False
        at = 0
        while at < len(data):
            one = data[at : at + 1]
            if is_quoted and one == escape and data[at + 1 : at + 2] in (quote, escape):
                at += 1
            elif one == quote:
                is_quoted = not is_quoted
            at += 1
        return not is_quoted

    return is_whole


def _has_odd_return(bare: bytes, form: LineFormat) -> bool:
    """Tell whether a carriage return may be the end of a line inside of one."""
    inner = bare[:-1]
    if _RETURN not in inner:
        return False
    if form.name == "csv":
        return form.quote.encode() not in inner
    return re.search(rb"(?<!\\)(?:\\\\)*\r", inner) is not None


def reader_of(form: LineFormat, at: int) -> Callable[[bytes], str | None]:
    """Return what reads the value of column number `at` in a line of the format `form`;
    None is NULL. That raises Missing where the line has no such column."""
    if form.name == "csv":
        return lambda data: _csv_value(_text(data), form, at)
    return lambda data: _text_value(_text(data), form, at)


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").removesuffix("\r")


def _text_value(line: str, form: LineFormat, at: int) -> str | None:
    if "\\" + form.delimiter in line:
        parts = _split_escaped(line, form.delimiter)
    else:
        parts = line.split(form.delimiter, at + 1)
    if at >= len(parts):
        raise Missing
    raw = parts[at]
    if raw == form.null:
        return None
    return _ESCAPE(_unescaped, raw) if "\\" in raw else raw


def _split_escaped(line: str, delimiter: str) -> list[str]:
    parts, begun, at = [], 0, 0
    while at < len(line):
        if line[at] == "\\":
            at += 2
            continue
        if line[at] == delimiter:
            parts.append(line[begun:at])
            begun = at + 1
        at += 1
    return [*parts, line[begun:]]


def _unescaped(found: re.Match[str]) -> str:
    if found[1] or found[2]:
        code = int(found[1], 8) if found[1] else int(found[2], 16)
        if code >= _NO_BYTE_ALONE:
            raise NotMerged("a byte beyond ASCII is written by its number in the key")
        return chr(code)
    return _ESCAPES.get(found[3], found[3])


def _csv_value(line: str, form: LineFormat, at: int) -> str | None:
    if form.quote not in line:
        parts = line.split(form.delimiter, at + 1)
        if at >= len(parts):
            raise Missing
        return None if parts[at] == form.null else parts[at]
    for number, (value, was_quoted) in enumerate(_csv_fields(line, form)):
        if number == at:
            return None if value == form.null and not was_quoted else value
    raise Missing


def _csv_fields(line: str, form: LineFormat) -> Iterator[tuple[str, bool]]:
    quote, escape, delimiter = form.quote, form.escape, form.delimiter
    value: list[str] = []
    was_quoted = is_quoted = False
    at = 0
    while at < len(line):
        one, following = line[at], line[at + 1 : at + 2]
        at += 1
        if is_quoted and one == escape and following in (quote, escape) and following:
            value.append(following)
            at += 1
        elif one == quote:
            is_quoted, was_quoted = not is_quoted, True
        elif one == delimiter and not is_quoted:
            yield "".join(value), was_quoted
            value, was_quoted = [], False
        else:
            value.append(one)
    yield "".join(value), was_quoted
