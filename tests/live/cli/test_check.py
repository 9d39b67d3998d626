"""`routedb check` over real servers, and over a Patroni that names them."""

from __future__ import annotations

import re

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
