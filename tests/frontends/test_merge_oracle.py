"""Statements made by chance, over several groups, answer as one database does."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.support.merge_oracle import Report, campaign
from tests.support.merge_servers import FOREIGN, MIXED, server_world

ENGINES = {"postgresql": "postgresql", "mysql": "mariadb"}


def _check(report: Report, seed: int) -> None:
    assert not report.wrong, f"seed {seed}: {report.wrong[0]}"
    # MariaDB calls a column after its text, which is another where rows stand in it.
    others = {why for why in report.refused if "called after its text" not in why}
    assert not others, f"seed {seed}"
    assert report.several > report.statements / 2
    assert report.shown > report.statements / 10  # an empty answer proves little


@pytest.mark.parametrize("seed", [12, random.randrange(2**32)], ids=["fixed", "fresh"])
def test_on_sqlite_files(seed):
    _check(campaign(seed, 50), seed)


@pytest.mark.parametrize("engine", ENGINES)
def test_on_servers(engine, request: pytest.FixtureRequest):
    servers: Any = request.getfixturevalue(ENGINES[engine])
    seed = random.randrange(2**32)
    with server_world(engine, servers) as world:
        _check(campaign(seed, 100, world), seed)


@pytest.mark.parametrize("engine", ENGINES)
def test_on_servers_in_temporary_tables(engine, request: pytest.FixtureRequest):
    servers: Any = request.getfixturevalue(ENGINES[engine])
    seed = random.randrange(2**32)
    with server_world(engine, servers, {"tables_above": 0}) as world:
        _check(campaign(seed, 50, world), seed)


@pytest.mark.parametrize("engine", [name for name in MIXED if "filed" not in name])
def test_on_three_engines(engine, postgresql, mariadb, tmp_path):
    servers = {"postgresql": postgresql, "mysql": mariadb, "sqlite": tmp_path}
    seed = random.randrange(2**32)
    with server_world(engine, servers) as world:
        _check(campaign(seed, 50, world), seed)


@pytest.mark.parametrize("engine", [name for name in FOREIGN if "moved" not in name])
def test_on_one_other_engine(engine, postgresql, mariadb, tmp_path):
    servers = {"postgresql": postgresql, "mysql": mariadb, "sqlite": tmp_path}
    seed = random.randrange(2**32)
    with server_world(engine, servers) as world:
        _check(campaign(seed, 50, world), seed)


@pytest.mark.long
@pytest.mark.parametrize("engine", [*MIXED, *FOREIGN])
def test_thousands_on_other_engines(engine, postgresql, mariadb, tmp_path):
    servers = {"postgresql": postgresql, "mysql": mariadb, "sqlite": tmp_path}
    seed = random.randrange(2**32)
    with server_world(engine, servers) as world:
        _check(campaign(seed, 3_000, world), seed)


@pytest.mark.long
def test_thousands_on_sqlite_files():
    seed = random.randrange(2**32)
    _check(campaign(seed, 20_000), seed)
