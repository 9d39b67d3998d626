"""Members that a scripted Patroni names, on real servers: connecting, and members that
come and go while a connection is in use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

import routedb
from routedb.monitor import discovery
from tests.support.patroni_rest import Rest, members_at, nobody, saying
from tests.support.server_rig import link_to, read
from tests.support.servers import Database, wait_until


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(discovery, "CALM_S", 0.05)


@pytest.fixture
def rest(pg: Database) -> Iterator[Rest]:
    """A Patroni that names all servers, the writer last."""
    with saying(members_at(ports(pg))) as rest:
        yield rest


def ports(pg: Database) -> list[int]:
    return [server.port for server in reversed(pg.cluster.nodes)]


def names(pg: Database) -> list[str]:
    """Names of the nodes, the writer's last."""
    return [f"127.0.0.1:{port}/{pg.name}" for port in ports(pg)]


def at_nobody(pg: Database) -> str:
    """A DSN of the database at an address where nobody listens."""
    server = pg.cluster.writer
    return pg.writer_dsn.replace(f":{server.port}/", ":1/")


@contextmanager
def discovering(dsn: str, *urls: str, **options: Any) -> Iterator[routedb.Cluster]:
    keywords = {"discovery": "patroni", "urls": urls, **options}
    with routedb.Cluster(dsn, **keywords) as cluster:
        yield cluster


def wait_read_from(cluster: routedb.Cluster, expected: list[str]) -> None:
    core = cluster.runtime.core

    def is_so() -> bool:
        [group] = core.topology.groups
        return {core.nodes[id_].name for id_ in group.read_ring} == set(expected)

    wait_until(is_so, f"{expected} are read from")


def test_a_connection_begins_with_members_when_the_node_that_is_written_is_dead(
    pg, rest
):
    with nobody() as dead, discovering(at_nobody(pg), dead, rest.url) as cluster:
        connection = cluster.connect(autocommit=True)
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE t (id int)")
        assert cursor.node is not None
        assert cursor.node.name == names(pg)[-1]
        wait_read_from(cluster, names(pg)[:-1])


def test_connections_of_one_configuration_share_what_is_known(pg, rest):
    def connect() -> routedb.Connection:
        dsn = pg.replica_dsns[0]
        return routedb.connect(dsn, discovery="patroni", urls=[rest.url])

    with closing(connect()) as one, closing(connect()) as other:
        assert one.session.core is other.session.core


def test_without_any_patroni_the_nodes_that_are_written_serve(pg):
    with nobody() as dead, discovering(pg.writer_dsn, dead) as cluster:
        cursor = cluster.connect(autocommit=True).cursor()
        cursor.execute("CREATE TABLE t (id int)")
        assert cursor.node is not None
        assert cursor.node.name == names(pg)[-1]


def test_when_nothing_answers_the_error_tells_of_nodes_and_urls(pg):
    with (
        nobody() as dead,
        saying(503) as ill,
        discovering(at_nobody(pg), dead, ill.url, failover_timeout="1s") as cluster,
        pytest.raises(routedb.NoNodeError) as caught,
    ):
        cluster.connect()
    text = str(caught.value)
    assert f"127.0.0.1:1/{pg.name}: down" in text
    assert f"No Patroni tells who else there is: {dead}: ConnectionRefused" in text
    assert f"{ill.url}: it answers 503" in text
    assert pg.cluster.writer.password not in text


def test_a_patroni_that_hangs_holds_up_connecting_for_connect_timeout_only(pg):
    options = {"connect_timeout": "2s"}
    with (
        saying(None) as slow,
        discovering(pg.writer_dsn, slow.url, **options) as cluster,
    ):
        connection = cluster.connect(autocommit=True)
        assert connection.cursor().execute("CREATE TABLE t (id int)") is None


def test_links_to_members_that_left_are_closed_and_reads_go_on(pg, rest):
    one, other, writer = names(pg)
    pg.execute("CREATE TABLE t (id int)")
    pg.wait_replayed()
    with discovering(pg.writer_dsn, rest.url) as cluster:
        connection = cluster.connect(autocommit=True)
        wait_read_from(cluster, [one, other])
        first = read(connection)
        link = link_to(connection, first)
        left = [one, other].index(first)
        others = [p for p in ports(pg) if p != ports(pg)[left]]
        rest.says = members_at(others)
        wait_read_from(cluster, [names(pg)[1 - left]])
        rest_of_them = names(pg)[1 - left]
        wait_until(lambda: read(connection) == rest_of_them, "it holds what was read")
        wait_until(lambda: link.raw.closed, "the link to who left is closed")
        assert {node.name for node in connection.nodes} == {*names(pg)} - {first}


def test_a_transaction_on_a_member_that_left_goes_on_to_its_end(pg, rest):
    pg.execute("CREATE TABLE t (id int)")
    with discovering(pg.writer_dsn, rest.url) as cluster:
        wait_until(lambda: len(cluster.runtime.core.nodes) == 1, "one is written")
        connection = cluster.connect()
        cursor = connection.cursor()
        cursor.execute("INSERT INTO t VALUES (1)")
        rest.says = members_at(ports(pg)[:-1])
        core = cluster.runtime.core
        wait_until(lambda: core.topology.groups[0].writer is None, "it left")
        cursor.execute("INSERT INTO t VALUES (2)")
        connection.commit()
        rest.says = members_at(ports(pg))
        cursor.execute("INSERT INTO t VALUES (3)")
        connection.commit()
    assert pg.execute("SELECT count(*) FROM t") == [(3,)]


def test_a_member_with_the_tag_gets_no_reads(pg, rest):
    one, other, _ = names(pg)
    rest.says = members_at(ports(pg), p0={"noloadbalance": True})
    with discovering(pg.writer_dsn, rest.url) as cluster:
        cluster.connect().close()
        wait_read_from(cluster, [other])
        rest.says = members_at(ports(pg))
        wait_read_from(cluster, [one, other])
