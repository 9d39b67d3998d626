"""OpenTelemetry: spans and metrics of routedb (extra `otel`).

Names follow OpenTelemetry's semantic conventions for database clients; what they have
no name for begins with `routedb.`. Only the API is used: which exporter there is, and
whether any, is the program's choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, TracerProvider

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
from routedb.observers import Subscription, explain, observe
from routedb.reports import replica_shares, status

_NAME = "routedb"
_SYSTEMS = {"postgresql": "postgresql", "mysql": "mysql", "sqlite": "sqlite"}
_OTHER_SYSTEM = "other_sql"
# Bucket boundaries that the conventions give for db.client.operation.duration.
_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
_NANO = 1_000_000_000

Attributes = dict[str, str | int | float | bool]


def install(
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    spans: bool = True,
    texts: bool = False,
) -> Instrumentation:
    """Report spans and metrics from now on.

    `tracer_provider` and `meter_provider` are the global ones unless given. `spans`:
    one for each statement, a child of the span that is current where it is run.
    `texts`: spans have the SQL text; parameters are never reported. Returns what ends
    it, by `close()`.
    """
    tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
    meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
    return Instrumentation(tracer if spans else None, meter, texts)


class Instrumentation:
    """What `install` has begun: spans of `tracer`, where there is one, and metrics of
    `meter`; `texts` is that of `install`."""

    def __init__(self, tracer: Tracer | None, meter: Meter, texts: bool) -> None:
        self._tracer = tracer
        self._is_closed = False
        self._statements = meter.create_counter(
            "routedb.statements", "{statement}", "Statements, by node and role."
        )
        self._duration = meter.create_histogram(
            "db.client.operation.duration",
            "s",
            "Duration of database client operations.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._wait = meter.create_histogram(
            "db.client.connection.wait_time",
            "s",
            "The time it took to obtain an open connection from the pool.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._timeouts = meter.create_counter(
            "db.client.connection.timeouts",
            "{timeout}",
            "Waits for a connection from the pool that were given up.",
        )
        self._failovers = meter.create_counter(
            "routedb.failovers", "{failover}", "Nodes that became writer for another."
        )
        self._lost = meter.create_counter(
            "routedb.links.lost", "{link}", "Links that ended under a statement."
        )
        self._replaced = meter.create_counter(
            "routedb.links.replaced", "{link}", "Idle links that were dead or too old."
        )
        self._retries = meter.create_counter(
            "routedb.retries", "{statement}", "Statements that were run again."
        )
        self._lost_transactions = meter.create_counter(
            "routedb.transactions.lost", "{transaction}", "TransactionLost, raised."
        )
        self._unknown = meter.create_counter(
            "routedb.outcomes.unknown", "{transaction}", "OutcomeUnknown, raised."
        )
        self._observe_gauges(meter)
        self._subscription: Subscription = observe(
            self._take, statements=True, texts=texts
        )

    def close(self) -> None:
        """Report nothing more."""
        self._is_closed = True
        self._subscription.close()

    def _observe_gauges(self, meter: Meter) -> None:
        meter.create_observable_gauge(
            "routedb.node.up", [self._states], "1", "1 when a node can be used, else 0."
        )
        meter.create_observable_gauge(
            "routedb.node.lag", [self._lags], "s", "How far a replica is behind."
        )
        meter.create_observable_gauge(
            "routedb.replica.share",
            [self._shares],
            "1",
            "Which part of a database's statements has gone to replicas.",
        )

    # -- what is read when metrics are collected -----------------------------------

    def _states(self, options: CallbackOptions) -> Iterable[Observation]:
        for node in () if self._is_closed else status():
            kept: Attributes = {"routedb.state": node.state}
            kept["routedb.is_writer"] = node.is_writer
            where = _place(node.database, node.shard, node.name)
            yield Observation(int(node.state == "up"), {**where, **kept})

    def _lags(self, options: CallbackOptions) -> Iterable[Observation]:
        for node in () if self._is_closed else status():
            if node.lag_s is not None:
                where = _place(node.database, node.shard, node.name)
                yield Observation(node.lag_s, where)

    def _shares(self, options: CallbackOptions) -> Iterator[Observation]:
        shares = {} if self._is_closed else replica_shares()
        for database, share in shares.items():
            yield Observation(share, {"routedb.database": database})

    # -- what is told --------------------------------------------------------------

    def _take(self, event: Observed) -> None:
        take = _TAKES.get(type(event))
        if take is not None:
            take(self, event)

    def _statement(self, event: StatementRan) -> None:
        known = _operation(event)
        self._duration.record(event.duration_s, known)
        where = {} if event.node is None else _node(event.node)
        role: Attributes = {"routedb.role": event.role} if event.role else {}
        failed = {key: known[key] for key in ("error.type",) if key in known}
        self._statements.add(1, {**where, **role, **failed})
        if self._tracer is not None:
            self._span(self._tracer, event, {**known, **where, **role})

    def _span(self, tracer: Tracer, event: StatementRan, known: Attributes) -> None:
        known["routedb.reason"] = event.reason
        known["routedb.retries"] = event.retries
        if event.rows >= 0:
            known["db.response.returned_rows"] = event.rows
        if event.batch is not None:
            known["db.operation.batch.size"] = event.batch
        if event.text is not None:
            known["db.query.text"] = event.text
        began = int(event.started_at * _NANO)
        span = tracer.start_span(
            _span_name(event),
            kind=SpanKind.CLIENT,
            attributes=known,
            start_time=began,
        )
        if event.error is not None:
            span.set_status(Status(StatusCode.ERROR, explain(event.error)))
        span.end(began + int(event.duration_s * _NANO))

    def _writer_changed(self, event: WriterChanged) -> None:
        if event.is_failover:
            self._failovers.add(1, _place(event.database, event.shard))

    def _link_lost(self, event: LinkLost) -> None:
        self._lost.add(1, _node(event.node))

    def _link_replaced(self, event: LinkReplaced) -> None:
        self._replaced.add(1, _node(event.node))

    def _retried(self, event: StatementRetried) -> None:
        self._retries.add(1, _node(event.node))

    def _transaction_lost(self, event: TransactionLostSeen) -> None:
        self._lost_transactions.add(1)

    def _outcome_unknown(self, event: OutcomeUnknownSeen) -> None:
        self._unknown.add(1)

    def _pool_waited(self, event: PoolWaited) -> None:
        pool: Attributes = {"db.client.connection.pool.name": event.node.name}
        if event.timed_out:
            self._timeouts.add(1, pool)
        else:
            self._wait.record(event.waited_s, pool)


_TAKES: dict[type, Callable[[Instrumentation, Any], None]] = {
    StatementRan: Instrumentation._statement,
    WriterChanged: Instrumentation._writer_changed,
    LinkLost: Instrumentation._link_lost,
    LinkReplaced: Instrumentation._link_replaced,
    StatementRetried: Instrumentation._retried,
    TransactionLostSeen: Instrumentation._transaction_lost,
    OutcomeUnknownSeen: Instrumentation._outcome_unknown,
    PoolWaited: Instrumentation._pool_waited,
}


def _operation(event: StatementRan) -> Attributes:
    """Return the attributes that the conventions have, for span and metrics alike."""
    node = event.node
    known: dict[str, str | int | None] = {
        "db.system.name": _OTHER_SYSTEM,
        "db.operation.name": event.verb or None,
        "db.collection.name": event.tables[0] if len(event.tables) == 1 else None,
    }
    if node is not None:
        known["db.system.name"] = _SYSTEMS.get(node.system, _OTHER_SYSTEM)
        known["db.namespace"] = node.namespace
        known["server.address"] = node.host
        known["server.port"] = node.port
    if event.error is not None:
        code = getattr(event.error, "pgcode", None)
        known["db.response.status_code"] = code
        known["error.type"] = code or type(event.error).__qualname__
    return {key: value for key, value in known.items() if value is not None}


def _span_name(event: StatementRan) -> str:
    """Name a span `{operation} {target}`, as far as both are known and few."""
    target = event.tables[0] if len(event.tables) == 1 else None
    if target is None and event.node is not None:
        target = event.node.namespace or event.node.host
    return " ".join(word for word in (event.verb, target) if word) or _NAME


def _node(node: NodeLabel) -> Attributes:
    return _place(node.database, node.shard, node.name)


def _place(database: str, shard: int | None, node: str | None = None) -> Attributes:
    known: dict[str, str | int | None] = {
        "routedb.database": database,
        "routedb.group": shard,
        "routedb.node": node,
    }
    return {key: value for key, value in known.items() if value is not None}
