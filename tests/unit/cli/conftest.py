"""A small cluster of SQLite files, and the command line to run on it."""

from __future__ import annotations

from contextlib import closing

import pytest
from click.testing import CliRunner, Result

import routedb
from routedb.cli import main

CONFIG = """
default = "main"

[databases.main]
nodes = [
    {{ name = "writer", dsn = "sqlite:///{folder}/main.db?mode=rw" }},
    {{ name = "replica", dsn = "sqlite:///{folder}/main.db?mode=ro" }},
]

[databases.crm]
nodes = [{{ name = "crm", dsn = "sqlite:///{folder}/crm.db" }}]
read_only = true

[tables]
"crm_*" = "crm"
"""


@pytest.fixture
def folder(sqlite_dir):
    """A folder with the files of the cluster."""
    fill(sqlite_dir / "main.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    fill(sqlite_dir / "main.db", "PRAGMA journal_mode = WAL")
    fill(sqlite_dir / "main.db", "INSERT INTO t VALUES (1, 'one'), (2, 'two')")
    fill(sqlite_dir / "crm.db", "CREATE TABLE crm_contacts (id INTEGER PRIMARY KEY)")
    return sqlite_dir


@pytest.fixture
def config(folder):
    """The path of its configuration."""
    path = folder / "routedb.toml"
    path.write_text(CONFIG.format(folder=folder), encoding="utf-8")
    return path


@pytest.fixture
def shell():
    """Run the command line with these words; return click's result."""

    def run(*words: object, given: str | bytes | None = None) -> Result:
        args = [str(word) for word in words]
        return CliRunner().invoke(main, args, input=given, prog_name="routedb")

    return run


def fill(path, statement):
    connection = routedb.connect(f"sqlite:///{path}", autocommit=True)
    with closing(connection):
        connection.cursor().execute(statement)


@pytest.fixture(autouse=True)
def any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let lines be as long as they are: who runs the tests may have set COLUMNS."""
    monkeypatch.delenv("COLUMNS", raising=False)
