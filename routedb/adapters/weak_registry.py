"""Objects that live elsewhere, known as long as they live."""

from __future__ import annotations

from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class WeakRegistry(Generic[T]):
    """Objects held weakly, told apart by `id()`: they need no hash.

    Whoever adds needs no lock: each step on the dict is one of the interpreter's.
    """

    def __init__(self) -> None:
        self._known: dict[int, ref[T]] = {}

    def add(self, one: T) -> None:
        """Take note of `one`."""
        key, known = id(one), self._known

        def forget(gone: ref[T]) -> None:
            if known.get(key) is gone:  # else another object has that id by now
                del known[key]

        known[key] = ref(one, forget)

    def discard(self, one: T) -> None:
        """Know `one` no more, if it was known."""
        self._known.pop(id(one), None)

    def alive(self) -> list[T]:
        """Return those that live."""
        return [one for known in list(self._known.values()) if (one := known())]
