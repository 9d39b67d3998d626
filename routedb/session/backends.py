"""Which node has the backend whose number a program was told.

A process id of PostgreSQL's, or a connection id of MySQL's, means something to its own
server only, and other servers use the same numbers. What a connection of this process
has told of itself is remembered, so that the number works when it comes back.
"""

from __future__ import annotations

from itertools import islice

_MOST = 10_000  # a number that was told long ago is hardly used again


class Backends:
    """Nodes by dialect and number; who was told last counts. Threads may share it."""

    __slots__ = ("_nodes",)

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, int], int] = {}

    def __bool__(self) -> bool:
        return bool(self._nodes)

    def tell(self, dialect: str, number: int, node: int) -> None:
        """Note that the backend `number`, of a server of `dialect`, is on `node`."""
        if not number:  # the server has no such numbers
            return
        nodes = self._nodes
        if len(nodes) >= _MOST:
            for old in list(islice(nodes.copy(), _MOST // 4)):
                nodes.pop(old, None)
        nodes[dialect, number] = node

    def node_of(self, dialect: str, number: int) -> int:
        """Return the id of the node that has the backend `number`, of a server of
        `dialect`; -1 when nobody was told of it."""
        return self._nodes.get((dialect, number), -1)
