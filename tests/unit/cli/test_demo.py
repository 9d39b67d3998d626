"""`routedb demo`: it runs, its table is right, and it would say if it were not."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

import routedb
from routedb.cli.demo.script import TROUBLE, WORK, Step

WIDE = "600"  # columns: one line a row
BLOCKED = ("psycopg2", "MySQLdb")


@pytest.fixture(scope="module")
def output():
    """What the demo prints where no other driver is installed."""
    block = "".join(f"sys.modules[{name!r}] = None; " for name in BLOCKED)
    code = f"import sys; {block}from routedb.cli import main; main(['demo'])"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": WIDE},
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    return ran.stdout


def test_every_statement_does_what_is_expected(output):
    count = sum(isinstance(step, Step) for step in WORK + TROUBLE)
    assert output.splitlines()[-1] == f"All {count} statements did what was expected."
    assert "NOT AS EXPECTED" not in output


@pytest.mark.parametrize(
    ("begins", "cells"),
    [
        ("SELECT name, cents FROM products", ["main replica", "tea, 450"]),
        ("INSERT INTO products", ["main writer", "main-writer", "INSERT writes"]),
        ("SELECT phone", ["crm writer", "'crm_*'"]),
        ("INSERT INTO old_orders", ["archive writer"]),
        ("INSERT INTO orders", ["orders[0,1,2,3]", "orders-0", "5 written"]),
        ("SELECT id, cents", ["orders[1] writer", "orders-1", "2 rows"]),
        ("UPDATE crm_contacts", ["ReadOnlyError", "read_only"]),
        ("SELECT count(*) FROM orders", ["orders[0,1,2,3]", "are merged", "5"]),
        ("SELECT c.name, p.phone", ["crm", "are merged"]),
        ("DELETE FROM orders", ["ShardError"]),
        ("-- main-replica-", ["is taken away --"]),
    ],
)
def test_the_table_shows_route_reason_and_node(output, begins, cells):
    lines = output.splitlines()
    at = next(n for n, line in enumerate(lines) if line.strip().startswith(begins))
    row = " ".join(lines[at : at + 2])
    for cell in cells:
        assert cell in row


def test_the_work_goes_on_without_a_replica_then_without_any(output):
    trouble = output.partition("Nodes go away")[2]
    events = [line.strip() for line in trouble.splitlines() if line.startswith("-- ")]
    first, second, *back = (line.strip("- ") for line in events)
    assert {first, second} == {
        "main-replica-1 is taken away",
        "main-replica-2 is taken away",
    }
    assert back == [event.replace("taken away", "back") for event in (first, second)]
    assert "no replica can be used now" in trouble


WRONG = [
    ({"route": "archive writer"}, "expected route archive writer"),
    ({"route": "ShardError"}, "expected route ShardError"),
    ({"rows": [("tea", 451)]}, "expected rows [('tea', 451)]"),
    ({"why": routedb.Reason.OWN_WRITES}, "expected reason OWN_WRITES"),
    ({"count": 7}, "expected 7 rows written"),
    ({"sql": "SELECT * FROM no_such"}, "expected main replica"),
]


@pytest.mark.parametrize(("change", "trouble"), WRONG)
def test_a_mismatch_is_shown_and_exits_with_1(shell, monkeypatch, change, trouble):
    wrong = replace(WORK[0], **change)
    monkeypatch.setenv("COLUMNS", WIDE)
    monkeypatch.setattr("routedb.cli.demo.WORK", (wrong, *WORK[1:2]))
    monkeypatch.setattr("routedb.cli.demo.TROUBLE", ())
    result = shell("demo")
    assert result.exit_code == 1
    assert f"NOT AS EXPECTED: {trouble}" in result.stdout
    assert "1 of 2 statements were not as expected" in result.stdout


def test_a_shop_that_is_kept_serves_the_other_commands(shell, tmp_path):
    folder = tmp_path / "shop"
    result = shell("demo", "--keep", folder)
    assert result.exit_code == 0, result.output
    assert f"routedb check {folder / 'routedb.toml'}" in result.stdout
    assert shell("check", folder / "routedb.toml").exit_code == 0
    assert shell("demo", "--keep", folder).exit_code == 2
