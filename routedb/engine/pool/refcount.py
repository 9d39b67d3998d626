"""Whether anything but the pool references a link that could be lent again.

A connection of the PostgreSQL frontend is a link itself, so a variable, a cursor or a
weak reference that outlives `close()` would reach the next user's session. It may be
lent again only when the pool's is the last reference, by CPython's reference counts. A
count is compared with one that was taken in the same way at import.
"""

from __future__ import annotations

import sys
from typing import Any, TypeVar
from weakref import getweakrefs, ref

from routedb.engine.pool.slots import Slot
from routedb.engine.pool.states import SlotState

T = TypeVar("T")


class OwnRef(ref[T]):
    """A weak reference of routedb's own: a class that users' weak references are
    not."""

    __slots__ = ()


def is_held(slot: Slot, references: int = 0) -> bool:
    """Tell whether anything but the pool references the link of `slot`.

    `references` is how many the driver itself keeps to each of its connections.
    """
    if slot.keeper is None:
        return _count(slot, "raw") > _ALONE + references
    return _count(slot, "keeper") > _ALONE or any(
        type(reference) is not OwnRef for reference in getweakrefs(slot.keeper)
    )


def _count(slot: Slot, name: str) -> int:
    return sys.getrefcount(getattr(slot, name))


class _Thing:
    """An object to count references of."""


def _alone() -> int:
    slot: Any = Slot(None, SlotState.IDLE)
    slot.raw = _Thing()
    return _count(slot, "raw")


_ALONE = _alone()
