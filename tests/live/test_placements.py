"""The table of placements on real servers, and processes that follow it."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from click.testing import CliRunner

import routedb
from routedb import adapters
from routedb.cli import main
from routedb.config.label import label_of
from routedb.config.placements import Placement, Placements
from routedb.engine.shared import placement_watch
from routedb.runtime import read_config

pytestmark = [pytest.mark.live]

KINDS = ["postgresql", "mariadb", "sqlite"]
SHARDED = {"database": "crm", "shard_key": "id", "bounds": [10, 20]}
ODD = """o'dd \\ "näme" `x` %s {table}"""


class Home:
    """A home database, and a second one of the same kind."""

    def __init__(self, dsns, second):
        self.source = {
            "default": "main",
            "databases": {
                "main": {"nodes": dsns},
                "crm": {"nodes": [second]},
            },
            "tables": {"items": "crm"},
        }
        self.config = read_config(self.source, {})
        assert self.config.home is not None
        self.node = self.config.home.nodes[0]
        self.adapter = adapters.load(self.node.engine)
        self.table = self.adapter.placements
        self.namespace = label_of(self.node).namespace

    def connect(self):
        raw = self.adapter.connect(self.node, 5.0)
        return closing(raw)

    def make(self):
        with self.connect() as raw:
            self.table.make(raw, self.namespace)

    def write(self, places, move=""):
        with self.connect() as raw:
            return self.table.write(raw, self.namespace, places, move)


@pytest.fixture(params=KINDS)
def home(request, tmp_path):
    fixtures = {"postgresql": "pg", "mariadb": "my"}
    if request.param == "sqlite":
        yield Home([f"sqlite:///{tmp_path}/main.db"], f"sqlite:///{tmp_path}/crm.db")
        return
    first = request.getfixturevalue(fixtures[request.param])
    with first.cluster.database() as second:
        yield Home(first.dsns, second.writer_dsn)


def test_what_is_written_is_read_and_belongs_to_its_transaction(home):
    table, namespace, run = home.table, home.namespace, home.adapter.run
    with home.connect() as raw, home.connect() as other:
        assert not table.is_there(raw, namespace)
        table.make(raw, namespace)
        table.make(raw, namespace)  # it is there
        assert table.is_there(raw, namespace)
        assert table.read(raw, namespace) == Placements(0, ())
        run(raw, "BEGIN")
        places = {"public.items": SHARDED, ODD: "main"}
        assert table.write(raw, namespace, places, ODD) == 1
        assert table.version(other, namespace) == 0
        run(raw, "ROLLBACK")
        assert table.read(raw, namespace) == Placements(0, ())
        run(raw, "BEGIN")
        assert table.write(raw, namespace, places, ODD) == 1
        assert table.write(raw, namespace, {ODD: "crm"}) == 2
        run(raw, "COMMIT")
        assert table.read(other, namespace, 2) is None
        assert table.read(other, namespace, 1) == Placements(
            2,
            tuple(
                sorted(
                    [
                        Placement(ODD, "crm", 2),
                        Placement("public.items", SHARDED, 1, ODD),
                    ]
                )
            ),
        )
        assert table.remove(raw, namespace, [ODD, "nothing"]) == 3
        found = table.read(other, namespace)
        assert [row.table for row in found.rows] == ["public.items"]


def test_a_process_follows_a_placement_without_restart(home):
    home.make()
    cluster = routedb.Cluster(home.source)
    with cluster, closing(cluster.connect(autocommit=True)) as connection:
        assert connection.explain("SELECT 1 FROM items").route.database == "crm"
        version = home.write({"items": "main"}, "shop")
        deadline = time.monotonic() + 30
        while True:
            plan = connection.explain("SELECT 1 FROM items")
            if plan.route.database == "main":
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert f"by placement {version} of move 'shop'" in plan.route.reason
    with routedb.Cluster(home.source) as again, closing(again.connect()) as connection:
        plan = connection.explain("SELECT 1 FROM items")
        assert plan.route.database == "main"


def test_a_table_that_is_made_under_a_running_process_is_found(home, monkeypatch):
    monkeypatch.setattr(placement_watch, "ABSENT_S", 0.5)
    cluster = routedb.Cluster(home.source)
    with cluster, closing(cluster.connect(autocommit=True)) as connection:
        home.make()
        home.write({"items": "main"})
        deadline = time.monotonic() + 30
        while connection.explain("SELECT 1 FROM items").route.database != "main":
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_setup_makes_the_table_and_check_tells_where_the_file_is_old(home, tmp_path):
    path = tmp_path / "routedb.toml"
    databases = home.source["databases"]
    path.write_text(
        'default = "main"\ntables = { items = "crm" }\n'
        + "".join(
            f"[databases.{name}]\nnodes = {each['nodes']!r}\n"
            for name, each in databases.items()
        )
    )
    shell = CliRunner()
    printed = shell.invoke(main, ["setup", str(path), "--print"])
    assert printed.output.count("routedb_placements (table_name") == 1
    made = shell.invoke(main, ["setup", str(path)])
    assert (made.exit_code, "table of placements" in made.output) == (0, True)
    is_file = databases["main"]["nodes"][0].startswith("sqlite")
    assert ("table of moves" in made.output) is not is_file
    assert ("TABLE IF NOT EXISTS routedb_moves" in printed.output) is not is_file
    assert "placement" not in shell.invoke(main, ["check", str(path)]).stderr
    home.write({"items": "main"}, "shop")
    said = shell.invoke(main, ["check", str(path)])
    assert (
        "table items is in main by placement 1 of move 'shop', and by [tables] in crm, "
        "by rule 'items': write there where it is now" in said.stderr
    )
    path.write_text(path.read_text().replace("items = ", "others = "))
    assert "placement 1" not in shell.invoke(main, ["check", str(path)]).stderr
