"""Django on routedb: its backends, where queries go, and test databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from shutil import copy

import pytest

from tests.live.integrations.project import Project
from tests.support.later import later

ENGINE = "routedb.integrations.django"

USE = """
with transaction.atomic():
    item = Item.objects.create(name="pin", facts={"of": ["steel"]})
try:
    with transaction.atomic():
        Item.objects.create(name="nail")
        Item.objects.create(name="pin")
except IntegrityError:
    pass
Item.objects.filter(pk=item.pk).update(name="pins")
found = [[i.name, i.facts, i.made.year > 2000] for i in Item.objects.all()]
"""


def settings_of(server, request, sqlite_dir):
    """Return Django's own settings of one node, without OPTIONS."""
    if server == "sqlite3":
        return {"NAME": str(sqlite_dir / "shop.db")}
    database = request.getfixturevalue(server)
    node = database.cluster.writer
    return {
        "NAME": database.name,
        "USER": node.user,
        "PASSWORD": node.password,
        "HOST": node.host,
        "PORT": str(node.port),
    }


BACKENDS = [("sqlite3", "sqlite3"), ("postgresql", "pg"), ("mysql", "my")]


@pytest.mark.engine_in_turn
@pytest.mark.parametrize(("backend", "server"), BACKENDS)
def test_django_s_own_settings_name_one_node(backend, server, request, sqlite_dir):
    given = settings_of(server, request, sqlite_dir)
    project = Project(sqlite_dir, ENGINE=f"{ENGINE}.{backend}", **given)
    project.migrate()
    assert project.run(USE) == [["pins", {"of": ["steel"]}, True]]
    kind = "found = hasattr(connection.connection, 'session')"
    assert project.run(f"Item.objects.count()\n{kind}") is True


# On servers test_django_servers.py has them, too.
@pytest.mark.parametrize(("backend", "server"), [BACKENDS[0], *later(BACKENDS[1:])])
def test_test_databases_come_and_go(backend, server, request, sqlite_dir):
    given = settings_of(server, request, sqlite_dir)
    project = Project(sqlite_dir, ENGINE=f"{ENGINE}.{backend}", **given)
    project.manage("makemigrations", "shop")
    printed = project.manage("test", "shop")
    assert "Ran 2 tests" in printed
    assert "Destroying test database" in printed


@pytest.fixture
def nodes(sqlite_dir):
    """One file as a writer and a replica."""
    path = f"sqlite:///{sqlite_dir}/shop.db"
    return [{"dsn": path, "name": "a"}, {"dsn": f"{path}?mode=ro", "name": "b"}]


def on_files(folder, **routed):
    return Project(folder, ENGINE=f"{ENGINE}.sqlite3", OPTIONS={"routedb": routed})


WHERE = """
settle()
found = [node()]
with transaction.atomic():
    found.append(node())
"""


def test_replicas_answer_outside_transactions(nodes, sqlite_dir):
    project = on_files(sqlite_dir, nodes=nodes)
    project.migrate()
    assert project.run(USE) == [["pins", {"of": ["steel"]}, True]]
    assert project.run(WHERE) == ["b", "a"]


@pytest.mark.long
def test_options_of_a_database_stand_beside_the_nodes(nodes, sqlite_dir):
    project = on_files(sqlite_dir, nodes=nodes, reads="writer")
    project.migrate()
    assert project.run(WHERE) == ["a", "a"]


@pytest.mark.long
def test_a_file_may_hold_the_configuration(nodes, sqlite_dir):
    a, b = (node["dsn"] for node in nodes)
    path = sqlite_dir / "routedb.toml"
    path.write_text(f"""
        [databases.main]
        nodes = [{{ dsn = "{a}", name = "a" }}, {{ dsn = "{b}", name = "b" }}]
    """)
    project = on_files(sqlite_dir, config=str(path))
    project.migrate()
    assert project.run(WHERE) == ["b", "a"]


def test_rules_send_tables_to_another_database(nodes, sqlite_dir):
    archive = {"archive": {"nodes": [f"sqlite:///{sqlite_dir}/old.db"]}}
    rules = {"old_*": "archive"}
    project = on_files(sqlite_dir, nodes=nodes, databases=archive, tables=rules)
    run = "found = connection.cursor().execute('CREATE TABLE old_item (k int)') and 1"
    assert project.run(run) == 1
    assert tables_in(sqlite_dir / "old.db") == ["old_item"]


@pytest.mark.long
def test_a_migration_over_two_databases_is_not_atomic(nodes, sqlite_dir):
    archive = {"archive": {"nodes": [f"sqlite:///{sqlite_dir}/old.db"]}}
    rules = {"shop_*": "archive"}
    project = on_files(sqlite_dir, nodes=nodes, databases=archive, tables=rules)
    with pytest.raises(AssertionError, match="CrossDatabaseError"):
        project.migrate()
    [path] = (sqlite_dir / "shop/migrations").glob("0*.py")
    text = path.read_text().replace("    initial", "    atomic = False\n    initial")
    path.write_text(text)
    project.manage("migrate")
    assert "shop_item" in tables_in(sqlite_dir / "old.db")
    assert "shop_item" not in tables_in(sqlite_dir / "shop.db")


def test_a_connection_says_where_queries_go(nodes, sqlite_dir):
    archive = {"archive": {"nodes": [f"sqlite:///{sqlite_dir}/old.db"]}}
    project = on_files(sqlite_dir, nodes=nodes, databases=archive)
    project.migrate()
    copy(sqlite_dir / "shop.db", sqlite_dir / "old.db")
    assert project.run(USING) == [1, 0]


USING = """
connection.ensure_connection()
with connection.connection.using("archive"):
    Item.objects.create(name="pin")
    found = [Item.objects.count()]
found.append(Item.objects.count())
"""


def tables_in(path):
    with closing(sqlite3.connect(path)) as file:
        return [name for (name,) in file.execute("SELECT name FROM sqlite_master")]


def test_tests_leave_the_nodes_alone(nodes, sqlite_dir):
    project = on_files(sqlite_dir, nodes=nodes)
    project.manage("makemigrations", "shop")
    assert "Ran 2 tests" in project.manage("test", "shop")
    assert tables_in(sqlite_dir / "shop.db") == []


MISTAKES = [
    ({"nodez": ["sqlite:///a.db"]}, "unknown keys: nodez; allowed are .*config, "),
    ({"config": "a.toml", "tables": {}}, "has config: tables belong in that file"),
    ({"tables": {"a": "main"}}, "has tables, but neither nodes nor databases"),
    ({"nodes": ["postgresql://db1/shop"]}, "is on postgresql: use ENGINE"),
]


@pytest.mark.parametrize(("routed", "message"), MISTAKES)
def test_a_mistake_in_the_settings_is_told(routed, message, sqlite_dir):
    with pytest.raises(AssertionError, match=message):
        on_files(sqlite_dir, **routed).manage("migrate")
