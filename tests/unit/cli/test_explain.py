"""`routedb explain`: the route and its reasons, or the refusal."""

from __future__ import annotations

import pytest

READ = "SELECT name FROM t WHERE id = %s"


def said(result) -> dict[str, str]:
    """The lines of the output by their label; reasons that follow are joined."""
    found: dict[str, str] = {}
    label = ""
    for line in result.stdout.splitlines():
        head, text = line[:10].strip(), line[10:].strip()
        label = head or label
        found[label] = f"{found[label]} {text}" if label in found else text
    return found


def test_a_read_is_explained_down_to_the_node(shell, config):
    result = shell("explain", config, READ, "-p", "1")
    assert result.exit_code == 0, result.output
    assert said(result) == {
        "route": "main replica",
        "database": "main",
        "groups": "0",
        "role": "replica",
        "nodes": "replica",
        "kind": "read (SELECT)",
        "tables": "t",
        "writes": "none",
        "reasons": "1. table t has no rule, default database main (DEFAULT) "
        "2. plain read (PLAIN_READ)",
    }


@pytest.mark.parametrize(
    ("words", "route", "nodes", "reason"),
    [
        (["DELETE FROM t"], "main writer", "writer", "NOT_A_READ"),
        (["SELECT 1", "--using", "crm"], "crm writer", "crm", "USING_DATABASE"),
        ([READ, "--role", "writer"], "main writer", "writer", "USING_ROLE"),
        (["SELECT * FROM crm_contacts"], "crm writer", "crm", "TABLE"),
        (["/* routedb: role=writer */ TABLE t"], "main writer", "writer", "HINT_ROLE"),
    ],
)
def test_what_decides_is_among_the_reasons(shell, config, words, route, nodes, reason):
    result = shell("explain", config, *words)
    lines = said(result)
    assert (result.exit_code, lines["route"], lines["nodes"]) == (0, route, nodes)
    assert f"({reason})" in lines["reasons"]


def test_nothing_runs(shell, config):
    assert shell("explain", config, "DELETE FROM t").exit_code == 0
    result = shell("sql", config, "--format", "csv", "-c", "SELECT count(*) FROM t")
    assert result.stdout == "count(*)\n2\n"


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT * FROM t, crm_contacts FOR UPDATE", "CrossDatabaseError"),
        ("DELETE FROM crm_contacts", "ReadOnlyError"),
        ("/* routedb: database=nowhere */ SELECT 1", "HintError"),
    ],
)
def test_a_refusal_goes_to_the_error_stream(shell, config, sql, error):
    result = shell("explain", config, sql)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{error}: ")


SHARDED = """
default = "o"
[databases.o]
shards = ["sqlite:///{folder}/0.db", "sqlite:///{folder}/1.db"]
[tables]
t = {{ database = "o", shard_key = "k", function = "modulo" }}
"""


@pytest.mark.parametrize(
    ("sql", "params", "route"),
    [
        ("SELECT * FROM t WHERE k = %s", ["-p", "4"], "o[0] writer"),
        ("SELECT * FROM t WHERE k = %s", ["-p", "5"], "o[1] writer"),
        ("SELECT * FROM t WHERE k = %(key)s", ["-p", "key=5"], "o[1] writer"),
        ("INSERT INTO t (k) VALUES (%s), (%s)", ["-p4", "-p5"], "o[0,1] writer"),
    ],
)
def test_parameters_choose_the_shard(shell, tmp_path, sql, params, route):
    path = tmp_path / "sharded.toml"
    path.write_text(SHARDED.format(folder=tmp_path), encoding="utf-8")
    result = shell("explain", path, sql, *params)
    assert said(result)["route"] == route


@pytest.mark.parametrize(
    ("params", "message"),
    [(["-p", "5"], "write -p name=value"), (["-p", "other=5"], "no value for %(key)s")],
)
def test_named_placeholders_want_named_values(shell, config, params, message):
    result = shell("explain", config, "SELECT * FROM t WHERE id = %(key)s", *params)
    assert result.exit_code == 2
    assert message in result.stderr
