"""`routedb check`: a row for every node, and what a script may conclude."""

from __future__ import annotations

import sqlite3
import sys

from routedb import adapters
from routedb.cli.check import Report, group_troubles, hear
from routedb.engine.shared.core import Core
from routedb.topology.snapshot import Answer, Role
from tests.support.configs import cluster
from tests.support.rows import rows_of


def test_every_node_has_a_row_with_what_it_is(shell, config):
    result = shell("check", config)
    assert result.exit_code == 0, result.output
    version = sqlite3.sqlite_version
    writer, replica, crm = rows_of(result.stdout)
    assert writer[:4] == ["main", "writer", "writer", version]
    assert replica[:5] == ["main", "replica", "replica", version, "0.0 ms"]
    assert crm[:3] == ["crm", "crm", "writer"]
    ends = [row[-2:] for row in (writer, replica, crm)]
    assert all(latency.endswith(" ms") for latency, _ in ends)
    assert {state for _, state in ends} == {"up"}
    assert "3 nodes, all is well" in result.stdout


def test_an_unreachable_node_is_named_with_its_error(shell, config, folder):
    (folder / "main.db").unlink()
    result = shell("check", config)
    assert result.exit_code == 1
    assert "unable to open database file" in result.stdout
    assert result.stderr.splitlines() == [
        "writer: cannot be reached",
        "replica: cannot be reached",
        "main: no node answers as writer",
    ]


def test_shards_are_told_apart(shell, tmp_path):
    path = tmp_path / "shards.toml"
    nodes = ", ".join(f'"sqlite:///{tmp_path}/{n}.db"' for n in range(2))
    path.write_text(
        f"default = 'o'\n[databases.o]\nshards = [{nodes}]\n", encoding="utf-8"
    )
    result = shell("check", path)
    assert result.exit_code == 0, result.output
    assert [row[1] for row in rows_of(result.stdout)] == ["shard 0", "shard 1"]


def test_a_group_that_only_reads_needs_no_writer_when_it_is_said_to(shell, config):
    text = config.read_text("utf-8")
    config.write_text(text.replace("crm.db", "crm.db?mode=ro"), encoding="utf-8")
    assert shell("check", config).exit_code == 0
    config.write_text(text.replace("mode=rw", "mode=ro"), encoding="utf-8")
    result = shell("check", config)
    assert (result.exit_code, result.stderr) == (1, "main: no node answers as writer\n")


def troubles(*answers: Answer | None) -> list[str]:
    """What is said of a group whose nodes answer so."""
    names = ["a", "b", "c"][: len(answers)]
    core = Core(cluster(names, dialect="postgresql"), adapters.load)
    pairs = zip(core.nodes, answers, strict=True)
    reports = [Report(*pair) for pair in pairs]
    hear(core, reports)
    return group_troubles(core, reports)


def test_two_writers_are_a_trouble_unless_one_is_provably_newer():
    old, new = (Answer(Role.WRITER, history=line) for line in ("1", "2"))
    assert troubles(old, old) == ["main: two nodes claim to be the writer"]
    assert troubles(old, new) == []


def test_a_node_of_another_cluster_is_a_trouble_with_its_name():
    ours, theirs = (
        Answer(Role.REPLICA, history="1", lag_s=0.0, system=system)
        for system in ("1111", "2222")
    )
    writer = Answer(Role.WRITER, history="1", system="1111")
    [trouble] = troubles(writer, ours, theirs)
    assert trouble.startswith("c: belongs to another cluster")
    assert "2222" in trouble
    assert troubles(writer, ours, ours) == []


def test_a_missing_driver_is_the_error_of_its_node(shell, monkeypatch):
    monkeypatch.setattr("routedb.adapters._loaded", {})
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    monkeypatch.delitem(
        sys.modules, "routedb.adapters.mysql.mysqlclient", raising=False
    )
    result = shell("check", "mysql://app@127.0.0.1:1/shop")
    assert result.exit_code == 1
    assert 'pip install ".[mysql]"' in result.stdout
