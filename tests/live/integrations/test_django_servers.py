"""Django on a writer with replicas: real servers."""

from __future__ import annotations

import pytest

from tests.live.integrations.project import Project
from tests.live.integrations.test_django import ENGINE, USE, WHERE

pytestmark = pytest.mark.engine_in_turn

BACKENDS = [("postgresql", "pg"), ("mysql", "my")]


@pytest.fixture(params=BACKENDS, ids=lambda pair: pair[0])
def servers(request):
    """A backend, and a database on its servers."""
    backend, fixture = request.param
    return backend, request.getfixturevalue(fixture)


def project_on(servers, folder):
    backend, database = servers
    routed = {"nodes": database.dsns}
    return Project(folder, ENGINE=f"{ENGINE}.{backend}", OPTIONS={"routedb": routed})


def test_replicas_answer_outside_transactions(servers, tmp_path):
    project, database = project_on(servers, tmp_path), servers[1]
    project.migrate()
    assert project.run(USE) == [["pins", {"of": ["steel"]}, True]]
    database.wait_replayed()
    reader, writer = project.run(WHERE)
    assert writer == name_of(database, 0)
    assert reader in [name_of(database, n) for n in range(1, len(database.dsns))]


def name_of(database, number):
    node = database.cluster.nodes[number]
    return f"{node.host}:{node.port}/{database.name}"


def test_test_databases_come_and_go_on_the_writer(servers, tmp_path):
    project, database = project_on(servers, tmp_path), servers[1]
    project.manage("makemigrations", "shop")
    assert "Ran 2 tests" in project.manage("test", "shop", "--noinput")
    there = "SELECT count(*) FROM information_schema.tables WHERE table_name = %s"
    assert database.execute(there, ("shop_item",)) == [(0,)]
    assert f"test_{database.name}" not in names_on(servers)


def names_on(servers):
    backend, database = servers
    ask = {"postgresql": "SELECT datname FROM pg_database", "mysql": "SHOW DATABASES"}
    return [name for (name,) in database.execute(ask[backend])]


@pytest.mark.long
def test_a_second_run_takes_the_place_of_the_first(servers, tmp_path):
    project, database = project_on(servers, tmp_path), servers[1]
    project.manage("makemigrations", "shop")
    assert "Preserving" in project.manage("test", "shop", "--keepdb")
    assert f"test_{database.name}" in names_on(servers)
    assert "Destroying old" in project.manage("test", "shop", "--noinput")
    assert f"test_{database.name}" not in names_on(servers)


@pytest.mark.long
def test_parallel_tests_have_a_database_each(servers, tmp_path):
    project, database = project_on(servers, tmp_path), servers[1]
    project.manage("makemigrations", "shop")
    printed = project.manage("test", "shop", "--noinput", "--parallel", "2")
    assert printed.count("Cloning test database") == 2
    assert not [n for n in names_on(servers) if n.startswith(f"test_{database.name}")]
