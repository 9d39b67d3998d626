"""Statements that need a database without sessions, while this process idles on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

import routedb
from routedb.monitor import workers
from tests.support.servers import Database, wait_until

OTHER = "vacant_other"
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"


def sessions(pg: Database) -> int:
    return int(pg.cluster.writer.execute(SESSIONS, (pg.name,))[0][0])


@pytest.fixture
def cluster(pg: Database) -> Iterator[routedb.Cluster]:
    """A cluster that is at work on a database of its own, and holds idle links to that
    of `pg`: in a pool, and its monitor's."""
    home = [pg.cluster.writer.dsn("postgres")]
    main = {"nodes": home}
    left = {"nodes": list(pg.dsns), "pool": {"max": 2}}
    source = {"default": "main", "databases": {"main": main, "left": left}}
    with closing(routedb.Cluster(source)) as cluster:
        yield cluster
    pg.cluster.writer.execute(f"DROP DATABASE IF EXISTS {OTHER}")


TEXTS = {
    "drop": ('DROP DATABASE "{name}"', 0),
    "drop, if it is there": ("drop database if exists {name}", 0),
    "rename": (f"ALTER DATABASE {{name}} RENAME TO {OTHER}", 0),
    "copy": (f"CREATE DATABASE {OTHER} TEMPLATE {{name}}", 1),
    "copy, by a literal": (f"CREATE DATABASE {OTHER} WITH TEMPLATE = '{{name}}'", 1),
}


@pytest.mark.parametrize(("text", "is_left"), TEXTS.values(), ids=TEXTS)
def test_idle_links_and_probes_are_closed_first(
    pg, cluster, text, is_left, monkeypatch
):
    """Those of a pool, those of a monitor that is at work, and those of one that has
    nothing to do any more."""
    monkeypatch.setattr(workers, "PAUSE_AFTER_S", 600.0)
    with closing(routedb.Cluster(pg.dsns)) as paused:
        paused.connect().close()
        connection = cluster.connect(autocommit=True)
        with closing(cluster.connect(autocommit=True)) as user, user.using("left"):
            user.cursor().execute("CREATE TABLE fresh (id int)")
        wait_until(lambda: sessions(pg) >= 3, "two monitors and a pool are there")
        cursor = connection.cursor()
        cursor.execute(text.format(name=pg.name))
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [pg.name])
        assert cursor.fetchone() == (is_left,)


def test_what_the_program_holds_open_stays(pg, cluster):
    connection = cluster.connect(autocommit=True)
    with closing(cluster.connect(autocommit=True)) as user, user.using("left"):
        user.cursor().execute("CREATE TABLE fresh (id int)")
        cursor = connection.cursor()
        with pytest.raises(routedb.OperationalError, match="being accessed by other"):
            cursor.execute(f"DROP DATABASE {pg.name}")
        user.cursor().execute("DROP TABLE fresh")
