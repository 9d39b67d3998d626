"""What docs/tutorial.rst has a newcomer type works as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import routedb
from routedb.topology.snapshot import NodeState
from tests.docs.documentation import blocks
from tests.docs.readme import check, shell

SH, TOML, PYTHON = "sh", "toml", "pycon"


def settle(connection: Any) -> None:
    """Wait until every node is known: who types is slower than a node's answer."""
    core = connection.session.core
    deadline = core.clock() + 60
    while any(
        node.state is NodeState.UNKNOWN
        for group in core.topology.groups
        for node in group.nodes
        if len(group.nodes) > 1
    ):
        assert core.await_news(core.topology.version, deadline)


def test_every_block_is_of_a_kind_that_is_run():
    assert {block.language for block in blocks("tutorial")} == {SH, TOML, PYTHON}


def test_the_tutorial_works_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_PW", "one")
    monkeypatch.setenv("CRM_PW", "two")
    names: dict[str, object] = {}
    for block in blocks("tutorial"):
        if block.language == PYTHON:
            check(block.text, names)
            settle(names["conn"])
        elif block.language == TOML:
            path = Path(block.text.splitlines()[0].removeprefix("# "))
            path.write_text(block.text)
            routedb.Cluster(path).close()  # it is understood
        elif "pip install" not in block.text:  # test_readme.py runs the same
            shell(block.text, tmp_path)
