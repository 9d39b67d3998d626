"""Changes of chance on shards are those of one database that has all rows."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

import routedb
from tests.support.changes_oracle import (
    PLACES,
    TABLES,
    UNIQUE,
    campaign,
    configuration,
)
from tests.support.later import later

SEED = 13


def _make(execute: Any) -> None:
    for name, columns in TABLES.items():
        execute(f"CREATE TABLE {name} ({columns})")
    execute(UNIQUE)


def _check(routed: Any, one: Any, engine: str, count: int) -> None:
    report = campaign(routed, one, engine, SEED, count)
    share = sum(report.refused.values()) / count
    print(f"{engine}: {count} statements, {report.several} on several shards, "
          f"{report.failed} failed, {share:.0%} refused:")  # fmt: skip
    for reason, times in report.refused.most_common():
        print(f"  {times:5} {reason}")
    assert report.wrong == []
    assert report.several > count / 5
    assert share < 0.25


@pytest.mark.parametrize("count", [150, *later([3000])])
def test_changes_on_files(tmp_path: Path, count: int) -> None:
    paths = [tmp_path / f"{number}.db" for number in range(PLACES + 1)]
    for path in paths:
        with closing(sqlite3.connect(path)) as raw:
            _make(raw.execute)
    dsns = [f"sqlite:///{path}" for path in paths[:-1]]
    with ExitStack() as stack:
        cluster = stack.enter_context(routedb.Cluster(configuration(dsns)))
        routed = stack.enter_context(closing(cluster.connect()))
        one = stack.enter_context(closing(sqlite3.connect(paths[-1])))
        _check(routed, one, "sqlite", count)


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize("count", [80, *later([2000])])
def test_changes_on_servers(request: Any, engine: str, count: int) -> None:
    servers = request.getfixturevalue("mariadb" if engine == "mysql" else engine)
    with ExitStack() as stack:
        databases = [stack.enter_context(servers.database()) for _ in range(PLACES + 1)]
        for database in databases:
            _make(database.execute)
        source = configuration([each.writer_dsn for each in databases[:-1]])
        cluster = stack.enter_context(routedb.Cluster(source))
        routed = stack.enter_context(closing(cluster.connect()))
        alone = routedb.Cluster(databases[-1].writer_dsn)
        one = stack.enter_context(closing(stack.enter_context(alone).connect()))
        _check(routed, one, engine, count)
