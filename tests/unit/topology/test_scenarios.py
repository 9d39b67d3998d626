"""Run every file of scenarios/: news in, facts about the snapshot out.

A file names the nodes and has phases. A phase is a list of news, each a string
"<second> <node> <what> [key=value …]", and the facts that hold after the last of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from routedb.errors import Fault
from routedb.events import (
    NodeAnswered,
    NodeDrained,
    NodeFailed,
    NodeJoined,
    NodeLeft,
    NodeRefusedWrite,
    ServerSeen,
)
from routedb.topology import Answer, Event, Limits, Role, initial, update
from tests.support.configs import cluster

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = sorted(Path(__file__).parent.joinpath("scenarios").glob("*.toml"))

NEWS: dict[str, Callable[..., Event]] = {
    "writer": lambda node, gen, extra: NodeAnswered(
        node, gen, answer("writer", node, extra), float(extra.get("asked", 0))
    ),
    "replica": lambda node, gen, extra: NodeAnswered(
        node, gen, answer("replica", node, extra), float(extra.get("asked", 0))
    ),
    "link": lambda node, gen, extra: ServerSeen(
        node, gen, extra["server"], float(extra["asked"])
    ),
    "lost": lambda node, gen, extra: NodeFailed(node, gen, "link lost"),
    "refused": lambda node, gen, extra: NodeFailed(node, gen, "no", Fault.REFUSED),
    "full": lambda node, gen, extra: NodeFailed(node, gen, "full", Fault.OVERLOAD),
    "refused-write": lambda node, gen, extra: NodeRefusedWrite(node, gen),
    "drain": lambda node, gen, extra: NodeDrained(node, True),
    "resume": lambda node, gen, extra: NodeDrained(node, False),
    "joins": lambda node, gen, extra: NodeJoined(
        node, 0, float(extra.get("weight", 1))
    ),
    "leaves": lambda node, gen, extra: NodeLeft(node),
}


def answer(role, node, extra):
    lag = extra.get("lag", "0")
    return Answer(
        Role(role),
        history=extra.get("history"),
        lag_s=None if lag == "unknown" else float(lag),
        latency_s=float(extra["ms"]) / 1000 if "ms" in extra else None,
        extent=extra.get("extent"),
        origin=str(node),
        system=extra.get("system"),
        namespace=extra.get("namespace"),
        server=extra.get("server"),
        position=extra.get("position"),
    )


class Cluster:
    """A snapshot that is told news by node name."""

    def __init__(self, nodes, **options):
        self.config = cluster(nodes, **options)
        self.limits = Limits.of(self.config)
        self.snapshot = initial(self.config)
        self.ids = {node.name: node.id for node in self.config.nodes}
        self.names = [node.name for node in self.config.nodes]

    def hear(self, line):
        """Apply one line of news. Its generation is the node's own unless it says."""
        at, name, what, *extra = line.split()
        extra = dict(word.split("=") for word in extra)
        nodes = self.snapshot.groups[0].nodes
        if name not in self.ids:
            self.ids[name] = len(nodes)
            self.names.append(name)
        id_ = self.ids[name]
        own = nodes[id_].generation if id_ < len(nodes) else 0
        generation = int(extra.pop("generation", own))
        event = NEWS[what](id_, generation, extra)
        self.snapshot = update(self.snapshot, event, float(at), self.limits)

    def shares(self, read_ring):
        return {
            name: read_ring.count(id) / len(read_ring)
            for name, id in self.ids.items()
            if read_ring
        }

    def views(self, holds):
        nodes = self.snapshot.groups[0].nodes
        return [self.config.nodes[view.id] for view in nodes if holds(view)]

    def facts(self):
        group = self.snapshot.groups[0]
        return {
            "writer": "" if group.writer is None else self.names[group.writer],
            "split": group.is_split,
            "fenced": [self.names[id] for id in group.fenced],
            "foreign_nodes": [self.names[id] for id in group.foreign_nodes],
            "doubles": [[self.names[id] for id in pair] for pair in group.doubles],
            "several": [n.name for n in self.views(lambda n: n.leads_to_several)],
            "in_doubt": [n.name for n in self.views(lambda n: n.is_in_doubt)],
            "positioned": [n.name for n in self.views(lambda n: n.position)],
            "read_ring": [self.names[id] for id in group.read_ring],
            "shares": self.shares(group.read_ring),
            "version": self.snapshot.version,
            "states": {self.names[n.id]: n.state.value for n in group.nodes},
            "roles": {self.names[n.id]: n.role.value for n in group.nodes},
            "retry_at": {self.names[n.id]: n.retry_at for n in group.nodes},
        }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_scenario(file):
    scenario = tomllib.loads(file.read_text())
    cluster = Cluster(**scenario["cluster"])
    for phase in scenario["phase"]:
        for line in phase["news"]:
            cluster.hear(line)
        facts = cluster.facts()
        for fact, expected in phase["then"].items():
            found = facts[fact]
            if isinstance(expected, dict):  # the nodes it names, of all
                found = {name: found[name] for name in expected}
            assert found == expected, f"{file.name}, {phase['name']}: {fact}"


def test_there_are_scenarios():
    assert FILES
