"""What Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import routedb
from routedb.errors import Fault
from routedb.telemetry import prometheus
from routedb.topology.snapshot import Role
from tests.support.fake_rig import Rig, farm

READ, WRITE = "SELECT a FROM t", "INSERT INTO t VALUES (1)"
W = {"database": "main", "shard": "", "node": "w"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def installed(registry: CollectorRegistry) -> Iterator[CollectorRegistry]:
    installation = prometheus.install(registry)
    yield registry
    installation.close()


def samples(registry: CollectorRegistry) -> dict[str, list[tuple[dict, float]]]:
    """What the text that is served says, by the name of the sample."""
    found: dict[str, list[tuple[dict, float]]] = {}
    text = generate_latest(registry).decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """The samples with these labels, summed."""
    points = samples(registry).get(name, [])
    return sum(n for known, n in points if labels.items() <= known.items())


def test_statements_by_node_and_role(installed, rig: Rig):
    cursor = rig.connect().cursor()
    for sql in (READ, READ, WRITE):
        cursor.execute(sql)
    rig.w.fail("execute", Fault.STATEMENT)
    with pytest.raises(routedb.IntegrityError):
        cursor.execute(WRITE)
    assert value(installed, "routedb_statements_total", role="replica") == 2
    points = samples(installed)["routedb_statements_total"]
    assert ({**W, "role": "writer", "error": ""}, 1.0) in points
    assert ({**W, "role": "writer", "error": "IntegrityError"}, 1.0) in points
    seconds = "routedb_statement_duration_seconds_count"
    assert value(installed, seconds, role="writer") == 2


def test_what_goes_wrong_is_counted(installed, rig: Rig):
    cursor = rig.connect().cursor()
    rig.w.fail("execute", Fault.LINK_LOST)
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute(WRITE)
    cursor.execute(WRITE)
    rig.w.drop_links()
    cursor.execute(WRITE)
    connection = rig.connect(autocommit=False)
    connection.cursor().execute(WRITE)
    rig.r1.role, rig.r1.history = Role.WRITER, "2"
    rig.look()
    with pytest.raises(routedb.TransactionLost):
        connection.commit()
    counts = {
        "links_lost": 1,
        "links_replaced": 1,
        "outcomes_unknown": 1,
        "transactions_lost": 1,
        "failovers": 1,
        "retries": 0,
    }
    said = {name: value(installed, f"routedb_{name}_total") for name in counts}
    assert said == counts


def test_waiting_for_a_pool(installed):
    with farm(replicas=0, pool={"max": 1, "wait_timeout": "10ms"}) as rig:
        holder = rig.connect()
        holder.cursor().execute(WRITE)
        with pytest.raises(routedb.PoolTimeout):
            rig.connect().cursor().execute(WRITE)
    assert value(installed, "routedb_pool_timeouts_total", **W) == 1


def test_gauges(installed, two_nodes):
    with two_nodes() as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        for sql in (READ, READ, READ, WRITE):
            cursor.execute(sql)
        assert value(installed, "routedb_node_up", state="up") == 2
        assert value(installed, "routedb_node_is_writer", **W) == 1
        lags = samples(installed)["routedb_node_lag_seconds"]
        assert lags == [({**W, "node": "r"}, 0.0)]
        assert value(installed, "routedb_replica_share", database="main") == 0.75


def test_without_statements_the_hot_path_is_not_observed(registry, rig: Rig):
    installation = prometheus.install(registry, statements=False)
    assert rig.core.observers is None
    installation.close()
    assert generate_latest(registry) == b""


def test_twice_in_one_registry_is_refused_and_leaves_the_first(installed, rig: Rig):
    with pytest.raises(ValueError, match="Duplicated"):
        prometheus.install(installed)
    rig.connect().cursor().execute(READ)
    assert value(installed, "routedb_statements_total") == 1
