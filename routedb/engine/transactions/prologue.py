"""What a transaction was told that its branches have to be told when they join it."""

from __future__ import annotations

from routedb.adapters.base import TxMode
from routedb.engine.links.link import Link


class Prologue:
    """The texts that are kept until a backend is known, and run there first, and the
    savepoints, which all that come later get as well.

    `begin` is the text that began it, None for PEP 249's implicit begin; `dialect` is
    what the texts are in.
    """

    __slots__ = ("begin", "dialect", "savepoints", "texts")

    def __init__(self) -> None:
        self.begin: str | None = None
        self.texts: list[str] = []  # after that
        self.dialect = ""
        self.savepoints: list[tuple[str, str]] = []  # name and text

    def savepoint(self, name: str, sql: str, has_home: bool) -> None:
        """Keep the savepoint `name`, made by the text `sql`; in order with the rest
        unless the transaction `has_home`: nobody else becomes it."""
        self.savepoints.append((name, sql))
        if not has_home:
            self.texts.append(sql)

    def end_savepoint(
        self, name: str | None, sql: str, keeps: bool, has_home: bool
    ) -> bool:
        """Keep RELEASE, or ROLLBACK TO, which `keeps` its savepoint `name`, the text
        `sql`, in order, as `savepoint` has it for `has_home`. False when no savepoint
        has that name: the server says so."""
        names = [each for each, _ in self.savepoints]
        if name not in names:
            return False
        last = len(names) - 1 - names[::-1].index(name)
        del self.savepoints[last + keeps :]
        if not has_home:
            self.texts.append(sql)
        return True

    def run(self, link: Link, is_home: bool, has_home: bool) -> None:
        """Run the texts on `link`, a new branch: all of them when it `is_home` or may
        be, while the transaction has none (`has_home`): a branch that reads no table
        may yet become it. Others get the savepoints.
        """
        texts = self.texts
        may_be_home = not has_home and link.adapter.dialect == self.dialect
        if not is_home and not may_be_home:
            texts = [text for _, text in self.savepoints]
        for sql in texts:
            link.run(sql)

    def begin_on(self, link: Link, is_home: bool, mode: TxMode) -> None:
        """Begin on `link` by text what is not begun by the driver: as it was said when
        it `is_home`, in the same `mode` elsewhere."""
        if is_home and self.begin is not None:
            link.run(self.begin)
        else:
            link.begin(mode)

    def clear(self) -> None:
        """The transaction has ended."""
        self.begin = None
        self.texts.clear()
        self.savepoints.clear()
