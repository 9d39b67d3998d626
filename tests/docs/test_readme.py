"""What README.rst tells a newcomer to type works as it says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.readme import Block, blocks, check, shell
from tests.support.checkout import copy_checkout
from tests.support.servers import Database

README = "README.rst"
SH, TOML, PYTHON = "sh", "toml", "pycon"


def is_install(block: Block) -> bool:
    return "pip install" in block.text


def test_every_block_is_of_a_kind_that_is_run():
    assert {block.language for block in blocks(README)} == {SH, TOML, PYTHON}


def test_the_five_minutes_work_on_real_databases(pg, my, tmp_path, monkeypatch):
    prepare(pg, my)
    on_site = translate(pg, my)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(README):
        text = on_site(block.text)
        if block.language == PYTHON:
            check(text, names)
        elif block.language == TOML:
            Path(text.splitlines()[0].removeprefix("# ")).write_text(text)
        elif not is_install(block):
            shell(text, tmp_path)
    names["conn"].close()  # type: ignore[attr-defined]


@pytest.mark.long
def test_the_install_commands_work_in_a_copy_of_the_checkout(tmp_path):
    [block] = [block for block in blocks(README) if is_install(block)]
    copy = copy_checkout(tmp_path / "routedb")
    shell(block.text.replace("python3", sys.executable), copy)
    shell("env/bin/routedb --version", copy)
    assert not (copy / "build").exists()


@pytest.mark.long
def test_make_demo_works_in_a_copy_of_the_checkout(tmp_path):
    copy = copy_checkout(tmp_path / "routedb")
    made = subprocess.run(
        ["make", "demo", f"PYTHON={sys.executable}"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "orders" in made.stdout
    assert not (copy / "build").exists()


def prepare(shop: Database, crm: Database) -> None:
    """Have the tables that the page speaks of."""
    shop.execute("CREATE TABLE items (id int PRIMARY KEY, name text, price int)")
    shop.execute("INSERT INTO items VALUES (1, 'tea', 4)")
    crm.execute("CREATE TABLE crm_customers (id int PRIMARY KEY, email varchar(99))")
    crm.execute("INSERT INTO crm_customers VALUES (7, 'ada@example.org')")
    shop.wait_replayed()


def translate(shop: Database, crm: Database) -> Callable[[str], str]:
    """Return what puts the servers of the tests in the place of the page's."""
    places = {
        "postgresql://app:secret@db1/shop": shop.dsns[0],
        "postgresql://app:secret@db2/shop": shop.dsns[1],
        "mysql://app:secret@old1/crm": crm.dsns[0],
    }
    places |= {
        f"{host}/{name}": dsn.rpartition("@")[2]
        for (host, name), dsn in zip(
            [("db1:5432", "shop"), ("db2:5432", "shop"), ("old1:3306", "crm")],
            list(places.values()),
            strict=True,
        )
    }

    def on_site(text: str) -> str:
        for written, found in places.items():
            assert found
            text = text.replace(written, found)
        return text

    return on_site
