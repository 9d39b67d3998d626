"""docs/observing.rst shows lines as they are logged."""

from __future__ import annotations

import logging
import re

from prometheus_client import CollectorRegistry, generate_latest

from routedb import events
from routedb.events import NodeLabel
from routedb.logs import line
from routedb.telemetry import prometheus
from tests.docs.documentation import DOCS

PAGE = (DOCS / "observing.rst").read_text("utf-8")
DB1, DB2 = NodeLabel("db1", "main"), NodeLabel("db2", "main")
SHOWN: list[events.Observed] = [
    events.NodeStateChanged(DB2, "unknown", "up", "answered"),
    events.WriterChanged("main", None, None, DB1),
    events.LinkLost(DB1, "server closed the connection unexpectedly"),
    events.StatementRetried(DB2, "SELECT", True, "connection reset"),
    events.NodeStateChanged(DB1, "up", "down", "connection refused"),
    events.WriterChanged("main", None, DB1, None),
    events.WriterChanged("main", None, DB1, DB2),
    events.OutcomeUnknownSeen("commit was sent to db1 and its answer was lost"),
    events.PoolWaited(DB2, 0.25, False),
    events.LinkReplaced(DB2, "it was closed by the server while it was idle"),
    events.ReplicaShare("main", 5235, 6799, 600.0),
]


def test_the_lines_of_the_page_are_those_of_the_log():
    [sample] = re.findall(r"code-block:: text\n\n((?:   .+\n)+)", PAGE)
    said = []
    for event in SHOWN:
        spelt = line(event)
        assert spelt is not None
        said.append(f"{logging.getLevelName(spelt[0])} {spelt[1]}")
    assert sample.split("\n   ") == ["   " + said[0], *said[1:-1], said[-1] + "\n"]


def test_every_event_and_every_metric_is_named():
    told = {kind.__name__ for kind in events.Observed.__args__}
    assert told <= set(re.findall(r"\w+", PAGE.partition("automodule::")[2]))
    registry = CollectorRegistry()
    installation = prometheus.install(registry, statements=False)
    served = generate_latest(registry).decode()
    installation.close()
    for name in re.findall(r"^# TYPE (\w+) ", served, re.MULTILINE):
        assert name.endswith("_created") or f"``{name}``" in PAGE
