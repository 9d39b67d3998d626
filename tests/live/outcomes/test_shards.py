"""A commit shard by shard, as without two-phase commit; with `commit_check`, each is
asked for its branch."""

from __future__ import annotations

from contextlib import closing

import pytest

import routedb
from tests.support.proxy import Proxy
from tests.support.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.chaos]


@pytest.fixture
def shards(postgresql):
    """Two shards with a reference table, as databases of one server."""
    with postgresql.database() as one, postgresql.database() as two:
        for database in (one, two):
            database.execute("CREATE TABLE countries (id int PRIMARY KEY)")
        yield one, two


@pytest.fixture(params=[0, 1], ids=["first shard", "second shard"])
def broken(request, shards):
    """The number of the shard whose line will break; and a connection to both."""
    number = request.param
    server = shards[number].cluster.writer
    with Proxy(server.host, server.port) as proxy:
        dsns = [database.writer_dsn for database in shards]
        dsns[number] = proxy.through(dsns[number])
        source = {
            "transactions": "single",
            "databases": {
                "main": {"shards": [[dsn] for dsn in dsns], "commit_check": True}
            },
            "tables": {"countries": {"database": "main", "reference": True}},
        }
        with (
            routedb.Cluster(source) as cluster,
            closing(cluster.connect(autocommit=False)) as connection,
        ):
            yield number, proxy, connection


def test_a_link_that_has_died_before_the_commit_loses_all_of_it(shards, broken):
    """Nothing is committed on any shard before all were looked at."""
    number, proxy, connection = broken
    connection.cursor().execute("INSERT INTO countries VALUES (1)")
    proxy.cut()
    dead = list(connection.session.links)[number]
    wait_until(lambda: not dead.is_alive(), "the end is seen")
    with pytest.raises(routedb.TransactionLost, match="before commit was sent"):
        connection.commit()
    assert rows(shards) == [0, 0]
    connection.cursor().execute("INSERT INTO countries VALUES (2)")
    connection.commit()
    assert rows(shards) == [1, 1]


def test_what_one_shard_has_refused_is_committed_on_no_other(shards, broken):
    """PostgreSQL answers the commit of a failed transaction with a rollback."""
    _, _, connection = broken
    cursor = connection.cursor()
    cursor.execute("INSERT INTO countries VALUES (1)")
    with pytest.raises(routedb.IntegrityError):
        cursor.execute("INSERT INTO countries VALUES (1)")
    connection.commit()
    assert rows(shards) == [0, 0]
    cursor.execute("INSERT INTO countries VALUES (2)")
    connection.commit()
    assert rows(shards) == [1, 1]


def rows(shards):
    return [db.execute("SELECT count(*) FROM countries")[0][0] for db in shards]


def test_a_branch_whose_answer_is_lost_is_found_committed(shards, broken):
    _, proxy, connection = broken
    connection.cursor().execute("INSERT INTO countries VALUES (1)")
    proxy.lose_answer(b"COMMIT")
    connection.commit()
    assert rows(shards) == [1, 1]


def test_a_branch_that_never_got_its_commit_is_lost(shards, broken):
    """With nothing committed before it all is lost; else a part is there, by name."""
    number, proxy, connection = broken
    connection.cursor().execute("INSERT INTO countries VALUES (1)")
    proxy.lose_request(b"COMMIT")
    kind = routedb.OutcomeUnknown if number else routedb.TransactionLost
    with pytest.raises(kind) as caught:
        connection.commit()
    assert caught.value.retry_is_safe == (not number)
    assert rows(shards) == ([1, 0] if number else [0, 0])
    connection.rollback()
    connection.cursor().execute("INSERT INTO countries VALUES (2)")
    connection.commit()
    assert rows(shards) == ([2, 1] if number else [1, 1])
