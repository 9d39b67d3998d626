"""What a transaction has done that its rollback undoes, with its savepoints."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class SavepointLog(Generic[T]):
    """A list that a rollback empties, in whole or down to a savepoint.

    Savepoints of one name hide one another, as on the server: the last one counts.
    """

    __slots__ = ("_items", "_savepoints", "is_used")

    def __init__(self) -> None:
        self.is_used = False  # since it was begun with nothing
        self._items: list[T] = []
        self._savepoints: list[tuple[str, int]] = []

    @property
    def items(self) -> tuple[T, ...]:
        """What was done so far, in order."""
        return tuple(self._items)

    def add(self, item: T) -> None:
        """Note one thing done."""
        self.is_used = True
        self._items.append(item)

    def savepoint(self, name: str) -> None:
        """Remember how much had been done when savepoint `name` was made."""
        self.is_used = True
        self._savepoints.append((name, len(self._items)))

    def release(self, name: str) -> None:
        """Forget savepoint `name` and those made since; what was done stays."""
        self._cut_at(name)

    def rollback_to(self, name: str) -> list[T]:
        """Take out what was done since savepoint `name`, which stays; return it."""
        kept = self._cut_at(name)
        if kept is None:
            return []
        self._savepoints.append((name, kept))
        undone = self._items[kept:]
        del self._items[kept:]
        return undone

    def pop_all(self) -> list[T]:
        """Return what was done, and begin with nothing: the transaction has ended."""
        items, self._items = self._items, []
        self._savepoints.clear()
        self.is_used = False
        return items

    def _cut_at(self, name: str) -> int | None:
        for at in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[at][0] == name:
                kept = self._savepoints[at][1]
                del self._savepoints[at:]
                return kept
        return None
