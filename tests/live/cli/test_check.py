"""`routedb check` over real servers, and over a Patroni that names them."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.patroni_rest import members_at, nobody, saying
from tests.support.rows import rows_of


def test_roles_are_what_the_servers_say_and_no_password_is_shown(shell, pg, tmp_path):
    nodes = ", ".join(f'"{dsn}"' for dsn in reversed(pg.dsns))
    path = tmp_path / "live.toml"
    path.write_text(
        f"default = 'm'\n[databases.m]\nnodes = [{nodes}]\n", encoding="utf-8"
    )
    result = shell("check", path)
    assert result.exit_code == 0, result.output
    rows = rows_of(result.stdout)
    assert {row[-2] for row in rows} == {"up"}
    assert all(re.fullmatch("[0-9A-F]+/[0-9A-F]+", row[-1]) for row in rows)
    roles = [row[2] for row in rows]
    assert roles == ["replica"] * len(pg.replica_dsns) + ["writer"]
    alone = shell("check", pg.replica_dsns[0])
    assert (alone.exit_code, alone.stderr) == (1, "main: no node answers as writer\n")
    assert pg.cluster.writer.password not in result.output + alone.output


def discovering(tmp_path, dsn, *urls):
    """A file that knows one node, and asks Patroni for the others."""
    path = tmp_path / "patroni.toml"
    path.write_text(
        f"[databases.m]\nnodes = ['{dsn}']\ndiscovery = 'patroni'\nurls = {[*urls]}\n",
        encoding="utf-8",
    )
    return path


def test_the_members_that_patroni_names_are_shown(shell, pg, tmp_path):
    servers = pg.cluster.nodes
    with nobody() as dead, saying(members_at([s.port for s in servers])) as rest:
        path = discovering(tmp_path, pg.replica_dsns[0], dead, rest.url)
        result = shell("check", path)
    assert result.exit_code == 0, result.output
    names = {f"127.0.0.1:{server.port}/{pg.name}" for server in servers}
    assert {row[1] for row in rows_of(result.stdout)} == names
    assert f"{len(servers)} nodes, all is well" in result.stdout


def test_a_patroni_that_does_not_answer_is_a_trouble(shell, pg, tmp_path):
    with nobody() as dead:
        login = dead.replace("://", "://op:hush@")
        result = shell("check", discovering(tmp_path, pg.writer_dsn, login))
    assert result.exit_code == 1
    assert result.stderr.startswith("m: Patroni names no members: http://op:***@127.")
    assert len(rows_of(result.stdout)) == 1
    assert "hush" not in result.output


@pytest.fixture
def as_user(my, tmp_path):
    """Make a user with a right, or none; return a configuration that connects as it."""
    writer = my.cluster.writer
    made: list[str] = []

    def make(right: str | None):
        name = f"checked{len(made)}"
        made.append(name)
        writer.execute(f"CREATE USER {name} IDENTIFIED BY 'hush'")
        writer.execute(f"GRANT SELECT, SLAVE MONITOR ON *.* TO {name}")
        if right is not None:
            writer.execute(f"GRANT {right} TO {name}")
        my.wait_replayed()
        nodes = [re.sub("//[^@]*@", f"//{name}:hush@", dsn) for dsn in my.dsns]
        path = tmp_path / f"{name}.toml"
        path.write_text(f"[databases.m]\nnodes = {nodes}\n", encoding="utf-8")
        return path

    yield make
    for name in made:
        writer.execute(f"DROP USER {name}")


@pytest.mark.parametrize(
    ("right", "shown"),
    [
        ("SUPER ON *.*", "SUPER"),
        ("READ ONLY ADMIN ON *.*", "READ_ONLY ADMIN"),
        ("BINLOG ADMIN ON *.*", "BINLOG ADMIN"),
        ("CONNECTION ADMIN ON *.*", "CONNECTION ADMIN"),
    ],
)
def test_a_user_who_may_write_on_a_replica_is_warned_of(
    shell, my, as_user, right, shown
):
    path = as_user(right)
    result = shell("check", path)
    assert result.exit_code == 0, result.output
    warned = result.stderr.splitlines()
    assert len(warned) == len(my.replica_dsns)
    assert all(
        f"warning: this user may write on a replica ({shown})" in w for w in warned
    )
    assert "see the warnings" in result.stdout
    found = json.loads(shell("check", "--json", path).stdout)
    assert found["warnings"] == warned
    by_role = {node["role"]: node["may_write_by"] for node in found["nodes"]}
    assert by_role == {"writer": [], "replica": [shown]}


def test_a_user_who_may_not_is_not(shell, as_user):
    path = as_user(None)
    result = shell("check", path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "all is well" in result.stdout
    found = json.loads(shell("check", "--json", path).stdout)
    assert (found["troubles"], found["warnings"]) == ([], [])
    assert not any(node["may_write_by"] for node in found["nodes"])


@pytest.fixture(params=["pg", "my"])
def halved(request, tmp_path, monkeypatch):
    """A database, another one of its server, and a DSN that leads there by a file."""
    database = request.getfixturevalue(request.param)
    server, file = database.cluster.writer, tmp_path / "options"
    login = {"host": server.host, "port": server.port, "user": server.user}
    secret = {"password": server.password}
    if request.param == "pg":
        other, dsn, section = "postgres", "service=hidden", "hidden"
        login |= {"dbname": other, **secret}
        monkeypatch.setenv("PGSERVICEFILE", str(file))
    else:
        other, dsn, section = "mysql", f"mysql://?read_default_file={file}", "client"
        login |= {"database": other, **secret}
    lines = [f"{key}={value}" for key, value in login.items()]
    file.write_text("\n".join([f"[{section}]", *lines, ""]), encoding="utf-8")
    return database, other, dsn


def test_nodes_that_show_several_databases_are_a_trouble(shell, tmp_path, halved):
    """Where a file decides, nothing can be told before the servers are asked."""
    database, other, dsn = halved
    path = tmp_path / "several.toml"
    path.write_text(
        f"[databases.m]\nnodes = [{json.dumps(database.writer_dsn)}, "
        f"{{ dsn = {json.dumps(dsn)}, name = 'hidden' }}]\n",
        encoding="utf-8",
    )
    result = shell("check", path)
    assert result.exit_code == 1
    assert "m: its nodes show several databases of their servers: " in result.stderr
    assert f"{other} (hidden)" in result.stderr
    assert f"{database.name} (" in result.stderr
