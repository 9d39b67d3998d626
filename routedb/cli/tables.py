"""Tables as lines of text: as narrow as they can be, with no word broken.

A column without any value is left out, and no line ends with spaces. What is wider than
the terminal is wrapped between words; where even the longest words do not stand side by
side, as addresses do not, each row becomes a block with a line for each value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

_GAP = "  "
_SPACED_WORDS = re.compile(r"\s*\S+\s*")
_SHORT = 12  # so wide a value, as "0.4 ms" or "shard 0", stays on one line
_WORDS = re.compile(
    r"^\s*\S+|\S+", re.MULTILINE
)  # an indented one with its indentation
_NONE = ("", "-")  # what a cell without a value shows


class Listing:
    """Rows to print. `headers` are of the columns; a `title` stands above them.

    Values are `Text`, safe to print. `limits` has the greatest widths of columns, by
    number, where their words are no longer. `keeps_empty` is for rows that are not
    ours: the columns of a result stay, whatever is in them.
    """

    def __init__(
        self,
        headers: Iterable[Text],
        title: str = "",
        limits: Mapping[int, int] | None = None,
        keeps_empty: bool = False,
    ) -> None:
        self._headers = list(headers)
        self._title = title
        self._limits = limits or {}
        self._keeps_empty = keeps_empty
        self._rows: list[Sequence[Text]] = []

    def add_row(self, *values: Text) -> None:
        """Add a row; values that it lacks at its end are empty."""
        missing = len(self._headers) - len(values)
        self._rows.append([*values, *(Text() for _ in range(missing))])

    def print(self, console: Console) -> None:
        """Print the rows on `console`, in its width."""
        if self._title:
            console.print(self._title, style="italic", soft_wrap=True)
        for line in self._lines(console):
            line.rstrip()
            console.print(line, soft_wrap=True)
        console.print()

    def _lines(self, console: Console) -> Iterator[Text]:
        kept = [n for n in range(len(self._headers)) if self._has_values(n)]
        headers = [self._headers[n] for n in kept]
        rows = [[row[n] for n in kept] for row in self._rows]
        limits = [self._limits.get(n, console.width) for n in kept]
        widths = _widths([headers, *rows], limits, console.width)
        if widths is None:
            yield from _blocks(console, headers, rows)
            return
        yield from _side_by_side(headers, widths)
        yield Text("─" * (sum(widths) + len(_GAP) * (len(widths) - 1)))
        for row in rows:
            yield from _side_by_side(row, widths)

    def _has_values(self, column: int) -> bool:
        if self._keeps_empty or not self._rows:
            return True
        return any(row[column].plain not in _NONE for row in self._rows)


def print_pairs(console: Console, pairs: Iterable[tuple[Text, Text]]) -> None:
    """Print names and values, `pairs`, in two columns on `console`."""
    for line in _pairs(console, list(pairs)):
        line.rstrip()
        console.print(line, soft_wrap=True)


def _blocks(
    console: Console, headers: Sequence[Text], rows: Sequence[Sequence[Text]]
) -> Iterator[Text]:
    """Yield a block for each row: its values below one another, those it has."""
    for number, row in enumerate(rows):
        if number:
            yield Text()
        pairs = zip(headers, row, strict=True)
        yield from _pairs(console, [pair for pair in pairs if pair[1].plain])


def _pairs(console: Console, pairs: Sequence[tuple[Text, Text]]) -> Iterator[Text]:
    first = max((name.cell_len for name, _ in pairs), default=0)
    left = console.width - first - len(_GAP)
    for name, value in pairs:
        yield from _side_by_side((name, value), (first, left))


def _side_by_side(cells: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
    """Yield the lines of one row, each cell wrapped between words to its width."""
    wrapped = [_wrapped(*pair) for pair in zip(cells, widths, strict=True)]
    for number in range(max((len(lines) for lines in wrapped), default=0)):
        line = Text()
        for lines, width in zip(wrapped, widths, strict=True):
            part = lines[number] if number < len(lines) else Text()
            line.append_text(part)
            line.append(" " * (width - part.cell_len) + _GAP)
        yield line


def _wrapped(text: Text, width: int) -> list[Text]:
    """Return the lines of `text`, no wider than `width` unless a single word is."""
    made: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        cuts, used = [], 0
        for word in _SPACED_WORDS.finditer(line.plain):
            if used and used + Text(word[0].rstrip()).cell_len > width:
                cuts.append(word.start())
                used = 0
            used += Text(word[0]).cell_len
        made += line.divide(cuts)
    for line in made:
        line.rstrip()
    return made


def _widths(
    rows: Sequence[Sequence[Text]], limits: Sequence[int], width: int
) -> list[int] | None:
    """Return the widths of the columns of `rows`, each no more than its one of `limits`
    unless a word is, together no more than `width`; None: that would break words."""
    columns = list(zip(*rows, strict=True))
    least = [max(map(_longest_word, column)) for column in columns]
    wanted = [
        max(least[n], min(limits[n], max(map(_longest_line, column))))
        for n, column in enumerate(columns)
    ]
    left = width - len(_GAP) * (len(columns) - 1) - sum(least)
    if left < 0:
        return None
    # What needs little gets it; what is left goes to the columns of long texts.
    needs = sorted((wanted[n] - least[n], n) for n in range(len(columns)))
    for done, (need, n) in enumerate(needs):
        granted = min(need, left // (len(columns) - done))
        least[n] += granted
        left -= granted
    return least


def _longest_line(text: Text) -> int:
    return max(line.cell_len for line in text.split("\n", allow_blank=True))


def _longest_word(text: Text) -> int:
    if text.cell_len <= _SHORT:
        return _longest_line(text)
    words = _WORDS.findall(text.plain)
    return max((Text(word).cell_len for word in words), default=0)
