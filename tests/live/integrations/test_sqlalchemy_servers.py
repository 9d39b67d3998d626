"""SQLAlchemy on routedb, on real servers."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine, exc, inspect, text
from sqlalchemy.orm import Session

import routedb
from tests.live.integrations.test_sqlalchemy import Base, Item, settled, write_and_read

# What routes as any plain read does: pg_is_in_recovery() is the writer's to answer.
IS_REPLICA = text("SELECT current_setting('in_hot_standby')::bool")


@pytest.fixture
def group(pg):
    """An engine on a writer and its replicas, all known."""
    engine = create_engine("routedb+postgresql://", connect_args={"source": pg.dsns})
    yield settled(engine)
    engine.dispose()


def on_one(dsn, **options):
    return create_engine(f"routedb+{dsn}", **options)


@pytest.mark.parametrize("server", ["pg", "my"])
def test_the_orm_writes_and_reads(server, request):
    engine = on_one(request.getfixturevalue(server).writer_dsn)
    Base.metadata.create_all(engine)
    write_and_read(engine)
    assert inspect(engine).get_table_names() == ["item"]
    engine.dispose()


@pytest.mark.parametrize("server", ["pg", "my"])
def test_an_update_counts_the_rows_that_match(server, request):
    source = request.getfixturevalue(server).dsns[:1]
    engine = create_engine("routedb://", connect_args={"source": source})
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Item(id=1, name="pin"))
        session.flush()
        found: Any = session.execute(text("UPDATE item SET name = 'pin' WHERE id = 1"))
        assert found.rowcount == 1
    engine.dispose()


def test_a_read_only_transaction_runs_on_a_replica(group):
    with group.connect().execution_options(postgresql_readonly=True) as connection:
        assert connection.scalar(IS_REPLICA) is True
    with group.connect() as connection:
        assert connection.scalar(IS_REPLICA) is False


def test_a_transaction_may_be_sent_to_a_replica_by_an_option(group):
    with Session(group) as session:
        options = {"routedb_role": "replica"}
        assert session.scalar(IS_REPLICA, execution_options=options) is True


def test_an_option_names_the_database(pg):
    source = {
        "default": "main",
        "databases": {
            "main": {"nodes": [pg.writer_dsn]},
            "archive": {"nodes": [pg.cluster.writer.dsn("postgres")]},
        },
    }
    engine = create_engine("routedb://", connect_args={"source": source})
    name = text("SELECT current_database()")
    with engine.connect() as connection:
        there = name.execution_options(routedb_using="archive")
        assert connection.scalar(name) == pg.name
        assert connection.scalar(there) == "postgres"
    engine.dispose()


def test_a_cluster_may_span_engines(pg, my):
    nodes = {"main": {"nodes": my.dsns}, "other": {"nodes": pg.dsns}}
    source = {"default": "main", "databases": nodes}
    engine = create_engine("routedb://", connect_args={"source": source})
    ask = text("SELECT :n").bindparams(n=2).execution_options(routedb_using="other")
    with engine.connect() as connection:
        assert engine.dialect.name == "mysql"
        assert connection.scalar(ask) == 2
    engine.dispose()


def test_the_pool_goes_on_after_a_backend_was_killed(pg):
    engine = on_one(pg.writer_dsn, pool_size=1, max_overflow=0)
    pid = text("SELECT pg_backend_pid()")
    with engine.connect() as connection:
        killed = connection.scalar(pid)
        pg.execute("SELECT pg_terminate_backend(%s, 10000)", (killed,))
        with pytest.raises(exc.OperationalError) as caught:
            connection.execute(text("CREATE TABLE t (k int)"))
    assert isinstance(caught.value.orig, routedb.TransactionLost)
    with engine.connect() as connection:
        assert connection.scalar(pid) != killed
    engine.dispose()


def test_isolation_levels_are_those_of_the_engine_and_the_connection(pg):
    engine = on_one(pg.writer_dsn, isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "REPEATABLE READ"
        options = {"isolation_level": "SERIALIZABLE"}
        connection.execution_options(**options)
        assert connection.get_isolation_level() == "SERIALIZABLE"
    engine.dispose()


def test_a_token_goes_from_one_engine_to_another(pg):
    Base.metadata.create_all(on_one(pg.writer_dsn))
    pg.wait_replayed()
    arguments = {"source": pg.dsns, "max_lag": "off", "consistency": "session"}
    here, there = (
        settled(create_engine("routedb+postgresql://", connect_args=arguments))
        for _ in range(2)
    )
    there.dispose()  # its first connection began on the writer, with no replica known
    for replica in pg.cluster.replicas:
        replica.execute("SELECT pg_wal_replay_pause()")
    try:
        with Session(here) as session:
            session.add(Item(id=1, name="pin"))
            session.commit()
            token = raw_of(session).token()
        with Session(there.execution_options(isolation_level="AUTOCOMMIT")) as session:
            count = text("SELECT count(*) FROM item")
            assert session.scalar(count) == 0
            raw_of(session).after(token)
            assert session.scalar(count) == 1
    finally:
        for replica in pg.cluster.replicas:
            replica.execute("SELECT pg_wal_replay_resume()")
        here.dispose()
        there.dispose()


def raw_of(session: Session) -> Any:
    """The routedb connection of a session, as SQLAlchemy's users get it."""
    return session.connection().connection.driver_connection
