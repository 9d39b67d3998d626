"""What a judge says of a statement, and what a judge is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

Name = tuple[str | None, str]


class Verdict(NamedTuple):
    """What a judge says of one statement that its server's parser takes.

    `is_read` is None where the judge cannot tell. The statement names all of `tables`,
    None where that is not known, and besides only some of `others`, None for any.
    """

    is_read: bool | None
    tables: frozenset[Name] | None
    others: frozenset[Name] | None = frozenset()

    def agrees(self, tables: frozenset[Name]) -> bool:
        """Tell whether `tables` may be those of the statement."""
        if self.tables is None:
            return True
        if self.others is None:
            return self.tables <= tables
        return self.tables <= tables <= self.tables | self.others


class Judge(Protocol):
    """Judges the statements of scripts, in the order of the scripts."""

    def start(self, script: Sequence[str]) -> None:
        """Forget what earlier scripts have left; this one's statements follow."""

    def judge(self, text: str) -> Verdict | None:
        """Judge the next statement; None when the parser refuses it."""

    def name(self, schema: str | None, name: str) -> Name:
        """Return the name of a table as this judge's verdicts have it."""

    def close(self) -> None:
        """End what the judge has started."""
