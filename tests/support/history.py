"""Recorded operations, and what a history of them must not show.

Values of a key only grow, and each is written once, so the order of values is the order
of writes and the checks need no search:

    read your writes   a session reads at least what it, or the session whose token it
                       took, had been acknowledged for
    monotonic reads    a session never reads less than it has read
    real               no value is read that nobody has tried to write
    no lost update     of a counter: every acknowledged increment is in the last value,
                       and nothing is there twice
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple


class Op(NamedTuple):
    """One operation. `order` is when it ended, counted over all sessions."""

    order: int
    session: str
    kind: str  # "read" | "write" | "unknown" (a write whose answer was lost) | "token"
    key: int
    value: int  # "token": what the token stands for
    node: str = ""


class History:
    """Operations of several threads, in the order in which they ended."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self._lock = threading.Lock()

    def add(
        self, session: str, kind: str, key: int, value: int, node: str = ""
    ) -> None:
        """Record an operation that has just ended."""
        with self._lock:
            self.ops.append(Op(len(self.ops), session, kind, key, value, node))

    def count(self, kind: str) -> int:
        return sum(op.kind == kind for op in self.ops)

    def reads_of(self, nodes: Iterable[str]) -> int:
        """How many reads these nodes answered."""
        wanted = set(nodes)
        return sum(op.kind == "read" and op.node in wanted for op in self.ops)


def violations(ops: Iterable[Op]) -> list[str]:
    """Say what the history shows that it must not."""
    found: list[str] = []
    known: dict[tuple[str, int], Op] = {}  # session and key -> the most it has seen
    tried: dict[int, set[int]] = defaultdict(set)
    ordered = sorted(ops)
    for op in ordered:
        if op.kind in ("write", "unknown"):
            tried[op.key].add(op.value)
    for op in ordered:
        before = known.get((op.session, op.key))
        if op.kind == "read":
            if op.value and op.value not in tried[op.key]:
                found.append(f"{op} reads what nobody wrote")
            if before is not None and op.value < before.value:
                rule = "its own write" if before.kind == "write" else "what it had seen"
                found.append(f"{op} goes back behind {rule}: {before}")
        if op.kind != "unknown" and (before is None or op.value >= before.value):
            known[op.session, op.key] = op
    return found


def lost_updates(last: int, acknowledged: int, unknown: int) -> list[str]:
    """Say whether a counter that was only incremented has too little or too much."""
    if acknowledged <= last <= acknowledged + unknown:
        return []
    return [f"{acknowledged} to {acknowledged + unknown} increments made {last}"]
