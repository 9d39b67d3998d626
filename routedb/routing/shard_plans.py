"""How to find the shards of the texts of one shape, kept with its plan."""

from __future__ import annotations

from collections.abc import Callable

from routedb import errors
from routedb.sharding import ShardPlan

_MOST = 1024  # one for each length of the lists in a shape
_LONGEST_KEY = 16_384


class ShardPlans:
    """What was found out once for each of the texts that one plan serves."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, ShardPlan | str] = {}  # or why there is none

    def find(self, key: str, analyse: Callable[[], ShardPlan]) -> ShardPlan:
        """Return how to find the shards; `analyse` is called once for each `key`, which
        tells apart texts that are analysed apart. What it raises, a ShardError, is
        raised again each time."""
        known = self._known.get(key)
        if known is None:
            try:
                known = analyse()
            except errors.ShardError as exc:
                known = str(exc)
            if len(self._known) >= _MOST:
                self._known.clear()
            if len(key) <= _LONGEST_KEY:
                self._known[key] = known
        if isinstance(known, str):
            raise errors.ShardError(known)
        return known
