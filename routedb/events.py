"""The events that observers get. Plain values; nothing here calls anything."""

from __future__ import annotations

from typing import NamedTuple

from routedb.errors import Fault


class NodeAnswered(NamedTuple):
    """A probe of node `node` succeeded. `answer` is a topology.snapshot.Answer.

    `asked_at` is when the probe was sent, in monotonic seconds: the position in the
    answer includes everything that was acknowledged before.
    """

    node: int
    generation: int
    answer: object
    asked_at: float = 0.0


class NodeFailed(NamedTuple):
    """Node `node` could not be reached, or lost a link of generation `generation`.

    `fault` tells which: a lost link may be one session that an operator ended, a
    refusal concerns the node.
    """

    node: int
    generation: int
    reason: str
    fault: Fault = Fault.LINK_LOST


class NodeRefusedWrite(NamedTuple):
    """Node `node` answered a write with "read-only": it is no writer."""

    node: int
    generation: int


class NodeDrained(NamedTuple):
    """An operator asked node `node` to take no new work (`on` false: to take it)."""

    node: int
    on: bool


class NodeJoined(NamedTuple):
    """Node `node` is a member of its group, and takes reads by this weight.

    A node that is new to the group comes after all that are known, by number.
    """

    node: int
    group: int
    weight: float


class NodeLeft(NamedTuple):
    """Node `node` is no member of its group any more."""

    node: int
