"""Fixtures that all tests share: real servers, proxies, SQLite files.

A test that asks for a server is marked `live`. A server that cannot be had fails the
tests that need it, with what to install.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.support.inject import Injection
from tests.support.later import engines_for_later
from tests.support.proxy import Proxy
from tests.support.servers import (
    Cluster,
    Database,
    Local,
    MariaDBCluster,
    MissingServer,
    Patroni,
    Place,
    PostgreSQLCluster,
    Reaper,
    Server,
    open_place,
    start_mariadb,
    start_patroni,
    start_postgresql,
)

# How long an example takes says how busy the machine is.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

LIVE = {"postgresql", "pg", "mariadb", "my", "patroni"}


@pytest.hookimpl(tryfirst=True)  # before `-m` is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in engines_for_later(items):
        item.add_marker(pytest.mark.long)
    for item in items:
        if LIVE.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.live)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if Injection.fired:
        terminalreporter.write_line(f"{Injection.fired} exceptions raised at lines")


@pytest.fixture(scope="session")
def reaper() -> Iterator[Reaper]:
    reaper = Reaper()
    yield reaper
    reaper.close()


@pytest.fixture(scope="session")
def postgresql(reaper: Reaper) -> Iterator[PostgreSQLCluster]:
    """A PostgreSQL writer with two streaming replicas."""
    with _running(start_postgresql, "postgres", reaper) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def mariadb(reaper: Reaper) -> Iterator[MariaDBCluster]:
    """A MariaDB writer with two replicas that follow by GTID."""
    with _running(start_mariadb, "mysql", reaper) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def started_patroni(reaper: Reaper) -> Iterator[Patroni]:
    """Three PostgreSQL servers under Patroni; everything on this machine itself."""
    place = Local("postgres", reaper)
    try:
        cluster = start_patroni(place)
    except MissingServer as missing:
        pytest.fail(str(missing), pytrace=False)
    yield cluster
    place.close()


@pytest.fixture
def patroni(started_patroni: Patroni) -> Iterator[Patroni]:
    """A Patroni cluster of three that are well; what a test broke is mended."""
    yield started_patroni
    started_patroni.mend()


@pytest.fixture
def pg(postgresql: PostgreSQLCluster) -> Iterator[Database]:
    """A fresh database on the PostgreSQL servers."""
    with postgresql.database() as database:
        yield database


@pytest.fixture
def my(mariadb: MariaDBCluster) -> Iterator[Database]:
    """A fresh database on the MariaDB servers."""
    with mariadb.database() as database:
        yield database


@pytest.fixture
def sqlite_dir(tmp_path: Path) -> Path:
    """An empty folder for SQLite files."""
    return tmp_path


@pytest.fixture
def proxy() -> Iterator[Callable[[Server], Proxy]]:
    """Put a proxy before a server; all are closed after the test."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(Proxy(server.host, server.port))


C = TypeVar("C", bound=Cluster)


@contextmanager
def _running(start: Callable[[Place], C], user: str, reaper: Reaper) -> Iterator[C]:
    place = open_place(user, reaper)
    try:
        cluster = start(place)
    except MissingServer as missing:
        pytest.fail(str(missing), pytrace=False)
    yield cluster
    cluster.close()
