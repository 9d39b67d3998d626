"""What OpenTelemetry is given, with exporters in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import routedb
from routedb.errors import Fault
from routedb.telemetry import otel
from routedb.topology.snapshot import Role
from tests.support.fake_rig import Rig, farm

READ, WRITE = "SELECT a FROM t WHERE b = %s", "INSERT INTO shop.t VALUES (%s)"


class Memory:
    """Providers that export nowhere."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)

    def install(self, **options: Any) -> otel.Instrumentation:
        return otel.install(self.tracers, self.meters, **options)

    @property
    def spans(self) -> list[Any]:
        return list(self._spans.get_finished_spans())

    @property
    def metrics(self) -> dict[str, dict[tuple[Any, ...], Any]]:
        """Value, or for a histogram the count, by name and attributes."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name: {
                tuple(sorted((point.attributes or {}).items())): getattr(
                    point, "value", getattr(point, "count", None)
                )
                for point in metric.data.data_points
            }
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def value(self, name: str, **wanted: Any) -> Any:
        """The value of the points of a metric that have these attributes, summed."""
        asked = {(f"routedb.{key}", value) for key, value in wanted.items()}
        points = self.metrics.get(name, {}).items()
        return sum(value for known, value in points if asked <= set(known))


@pytest.fixture
def memory() -> Iterator[Memory]:
    memory = Memory()
    yield memory
    memory.tracers.shutdown()
    memory.meters.shutdown()


@pytest.fixture
def installed(memory: Memory) -> Iterator[Memory]:
    instrumentation = memory.install()
    yield memory
    instrumentation.close()


def test_a_span_says_where_a_statement_went_and_why(installed, rig: Rig):
    with installed.tracers.get_tracer("program").start_as_current_span("request"):
        rig.connect().cursor().execute(READ, ("secret",))
    span, request = installed.spans
    assert span.name == "SELECT t"
    assert span.kind is SpanKind.CLIENT
    assert span.parent.span_id == request.context.span_id
    assert request.start_time <= span.start_time <= span.end_time
    node = span.attributes["routedb.node"]
    assert node in ("r1", "r2")
    assert dict(span.attributes) == {
        "db.system.name": "other_sql",
        "db.operation.name": "SELECT",
        "db.collection.name": "t",
        "db.response.returned_rows": 1,
        "routedb.database": "main",
        "routedb.node": node,
        "routedb.role": "replica",
        "routedb.reason": "table t has no rule, default database main; plain read",
        "routedb.retries": 0,
    }


def test_a_failed_statement_is_a_failed_span(installed, rig: Rig):
    rig.w.fail("execute", Fault.STATEMENT)
    with pytest.raises(routedb.IntegrityError):
        rig.connect().cursor().execute(WRITE, (1,))
    [span] = installed.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "w: scripted statement"
    assert span.attributes["error.type"] == "IntegrityError"
    assert installed.value("routedb.statements", node="w", role="writer") == 1


def test_retries_are_told(installed, rig: Rig):
    rig.r1.fail("execute", Fault.LINK_LOST)
    rig.r2.fail("execute", Fault.LINK_LOST)
    rig.connect().cursor().execute(READ, (1,))
    [span] = installed.spans
    assert span.attributes["routedb.retries"] == 2
    assert installed.value("routedb.retries") == 2
    assert installed.value("routedb.links.lost", node="r1") == 1


def test_texts_are_for_those_who_ask(memory, rig: Rig):
    instrumentation = memory.install(texts=True)
    rig.connect().cursor().executemany(WRITE, [("secret",), ("secret",)])
    instrumentation.close()
    [span] = memory.spans
    assert span.attributes["db.query.text"] == WRITE
    assert span.attributes["db.operation.batch.size"] == 2
    assert "secret" not in str(dict(span.attributes))


def test_spans_may_be_left_out(memory, rig: Rig):
    instrumentation = memory.install(spans=False)
    rig.connect().cursor().execute(READ, (1,))
    instrumentation.close()
    assert memory.spans == []
    assert memory.value("routedb.statements", role="replica") == 1
    assert memory.value("db.client.operation.duration") == 1


def test_after_close_nothing_is_reported(memory, rig: Rig):
    memory.install().close()
    assert rig.core.observers is None
    rig.connect().cursor().execute(READ, (1,))
    assert memory.spans == []
    assert memory.value("routedb.statements") == 0


def test_failovers_and_outcomes_are_counted(installed, rig: Rig):
    cursor = rig.connect().cursor()
    rig.w.fail("execute", Fault.LINK_LOST)
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute(WRITE, (1,))
    connection = rig.connect(autocommit=False)
    connection.cursor().execute(WRITE, (1,))
    rig.r1.role, rig.r1.history = Role.WRITER, "2"
    rig.look()
    with pytest.raises(routedb.TransactionLost):
        connection.commit()
    assert installed.value("routedb.outcomes.unknown") == 1
    assert installed.value("routedb.transactions.lost") == 1
    assert installed.value("routedb.failovers", database="main") == 1


def test_waiting_for_a_pool_is_measured(installed):
    with farm(replicas=0, pool={"max": 1, "wait_timeout": "10ms"}) as rig:
        holder = rig.connect()
        holder.cursor().execute(WRITE, (1,))
        with pytest.raises(routedb.PoolTimeout):
            rig.connect().cursor().execute(WRITE, (1,))
    points = installed.metrics["db.client.connection.timeouts"]
    assert points == {(("db.client.connection.pool.name", "w"),): 1}


def test_gauges_show_what_is_known_of_the_nodes(installed, two_nodes):
    with two_nodes() as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        for _ in range(3):
            cursor.execute(READ, (1,))
        cursor.execute(WRITE, (1,))
        assert installed.value("routedb.node.up", database="main") == 2
        assert installed.value("routedb.node.up", is_writer=True, node="w") == 1
        assert installed.metrics["routedb.node.lag"] == {
            (("routedb.database", "main"), ("routedb.node", "r")): 0.0
        }
        assert installed.value("routedb.replica.share", database="main") == 0.75


def test_status_is_that_of_all_runtimes(two_nodes):
    assert routedb.status() == ()
    with two_nodes() as cluster:
        assert routedb.status() == cluster.status()
        assert {node.state for node in routedb.status()} == {"up"}
    assert routedb.status() == ()
