"""A definition of a table without some of its foreign keys, and these as values.

CREATE TABLE has a list of columns and constraints, ALTER TABLE a list of what is done.
A key stands behind a column, or is one of these for itself. Only the text is cut: no
part of it is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from routedb.errors import ShardError
from routedb.planner.change import ForeignKey, KeysTaken
from routedb.planner.changes import Token, tokens_of
from routedb.planner.plans import Refusal
from routedb.planner.source_text import Refused, refuse
from routedb.sharding.rewrite.masking import NAME, MaskedText, mask
from routedb.sql import Table, scan

_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII).fullmatch
_QUOTED = re.compile(r"([\"`])((?:(?!\1).|\1\1)+)\1", re.DOTALL).fullmatch
# What may stand behind the columns of REFERENCES: words, None for any one.
_TAILS: tuple[tuple[str | None, ...], ...] = (
    ("MATCH", None),
    *(("ON", verb, "NO", "ACTION") for verb in ("DELETE", "UPDATE")),
    *(("ON", verb, "SET", None) for verb in ("DELETE", "UPDATE")),
    *(("ON", verb, None) for verb in ("DELETE", "UPDATE")),
    ("NOT", "DEFERRABLE"),
    ("DEFERRABLE",),
    ("INITIALLY", None),
    ("NOT", "VALID"),
)


def keys_of(
    source: str, dialect: str, is_taken: Callable[[Table], bool]
) -> KeysTaken | Refusal:
    """Return the text `source` of `dialect` without the keys to parents that are taken:
    see `routedb.planner.take_keys`, which has `is_taken` too."""
    try:
        return _Definition(mask(source, scan(source, dialect)), is_taken).taken()
    except Refused as exc:
        return exc.refusal
    except ShardError as exc:
        return Refusal("unknown grammar", str(exc))


class _Definition:
    """One text, and the items of its list."""

    def __init__(self, masked: MaskedText, is_taken: Callable[[Table], bool]) -> None:
        self._source = masked.source
        self._is_taken = is_taken
        self._tokens = list(tokens_of(masked.code))
        if self._tokens and self._tokens[-1].word == ";":
            self._tokens.pop()

    def taken(self) -> KeysTaken:
        """Return the result. Raises `Refused`."""
        words = [token.word for token in self._tokens]
        if words[:1] not in (["CREATE"], ["ALTER"]) or "TABLE" not in words[:5]:
            refuse("foreign key", "not in CREATE TABLE or ALTER TABLE")
        at = words.index("TABLE") + 1
        while words[at : at + 1] and words[at] in ("IF", "NOT", "EXISTS", "ONLY"):
            at += 1
        at += 3 if words[at + 1 : at + 2] == ["."] else 1
        creates = words[0] == "CREATE"
        if creates and words[at : at + 1] != ["("]:
            refuse("foreign key", "a table without a list of columns")
        start = at + creates
        end = len(words)
        if creates:
            end = next(n for n in range(start, end) if not self._tokens[n].depth)
        kept, keys = [], []
        for item in _items(self._tokens[start:end], int(creates)):
            text, key = self._item(item, int(creates))
            kept += [] if text is None else [text]
            keys += [] if key is None else [key]
        first = self._tokens[start].start
        after = self._source[self._tokens[end].start :] if creates else ""
        if not kept and creates:
            refuse("foreign key", "a table of nothing else")
        made = f"{self._source[:first]}{', '.join(kept)}{after}" if kept else None
        return KeysTaken(made, tuple(keys))

    def _item(
        self, item: Sequence[Token], depth: int
    ) -> tuple[str | None, ForeignKey | None]:
        """Return what is left of an item, and the key that is taken of it."""
        words = [each.word if each.depth == depth else "" for each in item]
        written = self._source[item[0].start : item[-1].end]
        if "REFERENCES" not in words:
            return written, None
        if words.count("REFERENCES") > 1:
            refuse("foreign key", "a column with two of them")
        at = words.index("REFERENCES")
        parent, place = self._table(item, at + 1)
        if not self._is_taken(parent):
            return written, None
        columns, place = self._listed(item, place)
        end = _tail(words, place)
        if "FOREIGN" in words[:at]:
            if end < len(item):
                refuse("foreign key", f"{item[end].word} behind it is not understood")
            opening = next(n for n, each in enumerate(item) if each.word == "(")
            child, _ = self._listed(item, opening)
            return None, ForeignKey(child, parent, columns)
        start = at - 2 if at > 1 and words[at - 2] == "CONSTRAINT" else at
        column = next(
            each for each in item
            if each.word not in ("ADD", "COLUMN", "IF", "NOT", "EXISTS")
        )  # fmt: skip
        if start <= 0 or end < start:
            refuse("foreign key", "it is not understood where it stands")
        before = self._source[item[0].start : item[start - 1].end]
        rest = self._source[item[end - 1].end : item[-1].end]
        return before + rest, ForeignKey((self._name(column),), parent, columns)

    def _table(self, item: Sequence[Token], at: int) -> tuple[Table, int]:
        """Return the table at a place, and the next place."""
        if at >= len(item):
            refuse("foreign key", "nothing stands behind REFERENCES")
        if at + 2 < len(item) and item[at + 1].word == ".":
            return Table(self._name(item[at]), self._name(item[at + 2])), at + 3
        return Table(None, self._name(item[at])), at + 1

    def _listed(self, item: Sequence[Token], at: int) -> tuple[tuple[str, ...], int]:
        """Return the names in brackets at a place, and the next place."""
        if at >= len(item) or item[at].word != "(":
            return (), at
        names = []
        while item[at].word != ")":
            names.append(self._name(item[at + 1]))
            at += 2
            if item[at].word not in (",", ")"):
                refuse("foreign key", "a column that is no name")
        return tuple(names), at + 1

    def _name(self, token: Token) -> str:
        """Return a name: one in quotes as it stands there, others in small letters."""
        written = self._source[token.start : token.end]
        quoted = _QUOTED(written)
        if token.word[0] == NAME and quoted:
            return quoted[2].replace(quoted[1] * 2, quoted[1])
        if not _PLAIN(written):
            refuse("foreign key", f"the name {written}: write it plainly")
        return written.lower()


def _items(tokens: Sequence[Token], depth: int) -> Iterator[list[Token]]:
    item: list[Token] = []
    for token in tokens:
        if token.word == "," and token.depth == depth:
            yield item
            item = []
        else:
            item.append(token)
    if not item:
        refuse("unknown grammar", "something is missing in a list")
    yield item


def _tail(words: Sequence[str], at: int) -> int:
    """Return the place behind what belongs to a key."""
    while True:
        for tail in _TAILS:
            found = words[at : at + len(tail)]
            if len(found) == len(tail) and all(
                known in (None, word) for known, word in zip(tail, found, strict=True)
            ):
                at += len(tail)
                break
        else:
            return at
