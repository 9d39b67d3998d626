"""Prometheus: the metrics of routedb in a registry (extra `prometheus`).

How they are served is the program's choice: `prometheus_client.start_http_server`, a
route of its web framework, a push gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from routedb.events import (
    LinkLost,
    LinkReplaced,
    NodeLabel,
    Observed,
    OutcomeUnknownSeen,
    PoolWaited,
    StatementRan,
    StatementRetried,
    TransactionLostSeen,
    WriterChanged,
)
from routedb.observers import observe
from routedb.reports import replica_shares, status

_NODE = ("database", "shard", "node")
_GROUP = ("database", "shard")
_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)

Labels = tuple[str, ...]
_Children = tuple[Counter, Histogram]


def install(
    registry: CollectorRegistry = REGISTRY, statements: bool = True
) -> Installation:
    """Put the metrics of routedb into `registry`, by default the global one.

    `statements`: those of single statements, too; without, the hot path is not
    observed. Returns what ends it, by `close()`. Raises ValueError when they are there
    already.
    """
    return Installation(registry, statements)


class Installation:
    """What `install` has put into `registry`; `statements` is that of `install`."""

    def __init__(self, registry: CollectorRegistry, statements: bool) -> None:
        self._registry = registry
        self._statements = Counter(
            "routedb_statements",
            "Statements, by node and role; error is empty or the name of the class.",
            (*_NODE, "role", "error"),
            registry=None,
        )
        self._duration = Histogram(
            "routedb_statement_duration_seconds",
            "How long statements took, retries included.",
            ("database", "role"),
            buckets=_SECONDS,
            registry=None,
        )
        # What `labels` finds, which takes longer than to count.
        self._children: dict[tuple[NodeLabel | None, str, str], _Children] = {}
        self._wait = Histogram(
            "routedb_pool_wait_seconds",
            "How long those have waited for a link of a pool who had to.",
            _NODE,
            buckets=_SECONDS,
            registry=None,
        )
        self._timeouts = _counter("pool_timeouts", "Waits that were given up.", _NODE)
        self._failovers = _counter(
            "failovers", "Nodes that became writer in the place of another.", _GROUP
        )
        self._lost = _counter("links_lost", "Links that ended in use.", _NODE)
        self._replaced = _counter(
            "links_replaced", "Idle links that were dead or too old.", _NODE
        )
        self._retries = _counter("retries", "Statements that were run again.", _NODE)
        self._lost_transactions = _counter(
            "transactions_lost", "TransactionLost, raised."
        )
        self._unknown = _counter("outcomes_unknown", "OutcomeUnknown, raised.")
        self._collectors: tuple[Collector, ...] = (
            _Nodes(),
            *(self._statements, self._duration, self._wait, self._timeouts),
            *(self._failovers, self._lost, self._replaced, self._retries),
            *(self._lost_transactions, self._unknown),
        )
        for collector in self._collectors:
            registry.register(collector)
        self._subscription = observe(self._take, statements=statements)

    def close(self) -> None:
        """Take the metrics out of the registry."""
        self._subscription.close()
        for collector in self._collectors:
            self._registry.unregister(collector)

    def _take(self, event: Observed) -> None:
        take = _TAKES.get(type(event))
        if take is not None:
            take(self, event)

    def _statement(self, event: StatementRan) -> None:
        error = "" if event.error is None else type(event.error).__name__
        key = (event.node, event.role, error)
        children = self._children.get(key)
        if children is None:
            where = ("", "", "") if event.node is None else _labels(event.node)
            children = self._children[key] = (
                self._statements.labels(*where, event.role, error),
                self._duration.labels(where[0], event.role),
            )
        children[0].inc()
        children[1].observe(event.duration_s)

    def _writer_changed(self, event: WriterChanged) -> None:
        if event.is_failover:
            self._failovers.labels(event.database, _number(event.shard)).inc()

    def _link_lost(self, event: LinkLost) -> None:
        self._lost.labels(*_labels(event.node)).inc()

    def _link_replaced(self, event: LinkReplaced) -> None:
        self._replaced.labels(*_labels(event.node)).inc()

    def _retried(self, event: StatementRetried) -> None:
        self._retries.labels(*_labels(event.node)).inc()

    def _transaction_lost(self, event: TransactionLostSeen) -> None:
        self._lost_transactions.inc()

    def _outcome_unknown(self, event: OutcomeUnknownSeen) -> None:
        self._unknown.inc()

    def _pool_waited(self, event: PoolWaited) -> None:
        if event.timed_out:
            self._timeouts.labels(*_labels(event.node)).inc()
        else:
            self._wait.labels(*_labels(event.node)).observe(event.waited_s)


_TAKES: dict[type, Callable[[Installation, Any], None]] = {
    StatementRan: Installation._statement,
    WriterChanged: Installation._writer_changed,
    LinkLost: Installation._link_lost,
    LinkReplaced: Installation._link_replaced,
    StatementRetried: Installation._retried,
    TransactionLostSeen: Installation._transaction_lost,
    OutcomeUnknownSeen: Installation._outcome_unknown,
    PoolWaited: Installation._pool_waited,
}


class _Nodes(Collector):
    """What is known of the nodes at the moment somebody asks."""

    def collect(self) -> Iterator[Metric]:
        """Return the gauges."""
        up = GaugeMetricFamily(
            "routedb_node_up",
            "1 when a node can be used, else 0; state says why.",
            labels=(*_NODE, "state"),
        )
        writer = GaugeMetricFamily(
            "routedb_node_is_writer", "1 when writes go there, else 0.", labels=_NODE
        )
        lag = GaugeMetricFamily(
            "routedb_node_lag_seconds", "How far a replica is behind.", labels=_NODE
        )
        # Two configurations may name one node, and a sample is there once.
        nodes = {(n.database, n.shard, n.name): n for n in status()}
        for node in nodes.values():
            where = (node.database, _number(node.shard), node.name)
            up.add_metric((*where, node.state), int(node.state == "up"))
            writer.add_metric(where, int(node.is_writer))
            if node.lag_s is not None:
                lag.add_metric(where, node.lag_s)
        share = GaugeMetricFamily(
            "routedb_replica_share",
            "Which part of a database's statements has gone to replicas.",
            labels=("database",),
        )
        for database, part in replica_shares().items():
            share.add_metric((database,), part)
        yield from (up, writer, lag, share)


def _counter(name: str, what: str, labels: Labels = ()) -> Counter:
    return Counter(f"routedb_{name}", what, labels, registry=None)


def _labels(node: NodeLabel) -> Labels:
    return node.database, _number(node.shard), node.name


def _number(shard: int | None) -> str:
    return "" if shard is None else str(shard)
