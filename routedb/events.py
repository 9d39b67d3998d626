"""What observers are told. Plain values; nothing here calls anything."""

from __future__ import annotations

from typing import NamedTuple


class NodeAnswered(NamedTuple):
    """A probe of node `node` succeeded. `answer` is a topology.snapshot.Answer."""

    node: int
    generation: int
    answer: object


class NodeFailed(NamedTuple):
    """Node `node` could not be reached, or lost a link of generation `generation`."""

    node: int
    generation: int
    reason: str


class NodeRefusedWrite(NamedTuple):
    """Node `node` answered a write with "read-only": it is no writer."""

    node: int
    generation: int


class NodeDrained(NamedTuple):
    """An operator asked node `node` to take no new work (or, `on` false, to take it)."""

    node: int
    on: bool
