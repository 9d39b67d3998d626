"""Deadlocks that no one server can see: who waits for whom, over several groups.

A server knows which of its sessions wait for which others. A *claim* says which
sessions on different servers are one transaction. With both there is a graph, and a
deadlock is a cycle in it. One that lies within a server is that server's to end.

What servers say is not of one moment, so a cycle is believed only when two looks have
found all of its waits. Everybody who looks names the same victim: the transaction that
began last, of those in the cycle that have a claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple


class Backend(NamedTuple):
    """A session of a group's server, by its number there."""

    group: str
    number: int


class Wait(NamedTuple):
    """`waiter` waits for a lock that `holder` has, or is to have before it."""

    waiter: Backend
    holder: Backend


class Claim(NamedTuple):
    """A transaction called `name` is these `backends`; it began in a second, by the
    clock of its process."""

    name: str
    began: float
    backends: tuple[Backend, ...]

    @property
    def text(self) -> str:
        """The claim for others to read; its name is not in it."""
        parts = " ".join(f"{each.group}:{each.number}" for each in self.backends)
        return f"{self.began:.6f} {parts}"


def claim_of(name: str, text: str) -> Claim:
    """Return the claim of the transaction `name` that has this `text`."""
    began, *parts = text.split()
    pairs = (part.split(":") for part in parts)
    backends = tuple(Backend(group, int(number)) for group, number in pairs)
    return Claim(name, float(began), backends)


def victims(claims: Iterable[Claim], waits: Iterable[Wait]) -> set[str]:
    """Return the names of those of the `claims` that are to end, by the `waits`: one
    for each deadlock over groups."""
    of = {backend: claim for claim in claims for backend in claim.backends}
    graph: dict[object, set[object]] = {}
    crossing: set[object] = set()  # transactions that wait, or are waited for, twice
    seen: dict[object, set[str]] = {}
    for waiter, holder in waits:
        one, other = (_node(of, each) for each in (waiter, holder))
        if one == other:
            continue
        graph.setdefault(one, set()).add(other)
        for node in (one, other):
            groups = seen.setdefault(node, set())
            groups.add(waiter.group)
            if len(groups) > 1:
                crossing.add(node)
    found = set()
    by_name = {claim.name: claim for claim in of.values()}
    for cycle in _cycles(graph):
        if crossing.isdisjoint(cycle):
            continue  # within one server
        youngest = max(
            (by_name[node] for node in cycle if isinstance(node, str)),
            key=lambda claim: (claim.began, claim.name),
        )
        found.add(youngest.name)
    return found


def _node(of: Mapping[Backend, Claim], backend: Backend) -> str | Backend:
    claim = of.get(backend)
    return backend if claim is None else claim.name


def _cycles(graph: Mapping[object, set[object]]) -> Iterator[set[object]]:
    """Yield the nodes of each part of `graph` whose nodes all reach one another."""
    reach = {node: _reached(graph, node) for node in graph}
    left = set(graph)
    while left:
        node = left.pop()
        if node not in reach[node]:
            continue
        cycle = {other for other in reach[node] if node in reach.get(other, ())}
        left -= cycle
        yield cycle


def _reached(graph: Mapping[object, set[object]], start: object) -> set[object]:
    found: set[object] = set()
    ahead = [start]
    while ahead:
        for node in graph.get(ahead.pop(), ()):
            if node not in found:
                found.add(node)
                ahead.append(node)
    return found
