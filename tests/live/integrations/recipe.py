"""A page of docs/ as a program: its files, written as the page has them.

A block that begins with `# name` is that file. The page's servers become those of the
tests; nothing else is changed, so what a page shows is what is tested.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.docs.documentation import blocks
from tests.docs.readme import ROOT
from tests.support.servers import Database

# What a check may call: `known()` waits until replicas are known to a connection.
_HELP = """\
import os, sys
sys.path[:0] = [os.getcwd()]
from tests.support.servers import wait_until
def known(connection, asks):
    core = connection.session.core
    wait_until(lambda: core.topology.groups[0].read_ring, "a replica is known")
    wait_until(asks, "a replica answers")
"""
# What routes as any plain read does and tells who answered: a text that asks a server
# about itself, as pg_is_in_recovery() does, is the writer's to answer; its view is not.
IS_REPLICA = "SELECT is_replica FROM answered_by"


def show_who_answers(database: Database) -> None:
    """Make the view that `IS_REPLICA` reads, on replicas too."""
    database.execute(
        "CREATE VIEW answered_by AS SELECT pg_is_in_recovery() AS is_replica"
    )
    database.wait_replayed()


@contextmanager
def behind(database: Database) -> Iterator[None]:
    """Have replicas know nothing new for the time of a block."""
    database.wait_replayed()
    replicas = database.cluster.replicas
    for replica in replicas:
        replica.execute("SELECT pg_wal_replay_pause()")
    try:
        yield
    finally:
        for replica in replicas:
            replica.execute("SELECT pg_wal_replay_resume()")


class Recipe:
    """The files of one page in a folder, and runs of them."""

    def __init__(
        self, page: str, folder: Path, main: Database, archive: Database | None = None
    ) -> None:
        self.page = page
        self.folder = folder
        show_who_answers(main)
        places = dict(zip(("db1/shop", "db2/shop"), main.dsns, strict=False))
        if archive is not None:
            places["db3/archive"] = archive.writer_dsn
        self._places = {
            f"postgresql://app:secret@{place}": dsn for place, dsn in places.items()
        }
        for block in blocks(page):
            name = re.match(r"# ([\w/.]+\.\w+)\n", block.text)
            if name:
                self.write(name[1], block.text)

    def write(self, name: str, text: str) -> None:
        """Write a file, with the servers of the tests in the place of the page's."""
        for written, found in self._places.items():
            text = text.replace(written, found)
        assert "app:secret@" not in text, f"{self.page}: no such server in the tests"
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file as the page says in words."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}: {text}"
        self.write(name, text.replace(old, new))

    def python(self, *words: str) -> str:
        """Run Python in the folder; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-W", "error", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def check(self, body: str, *before: str) -> str:
        """Run statements that have `known`; `before` are words like `-m routedb run`.
        Return what they printed."""
        path = self.folder / "check_.py"
        path.write_text(_HELP + body)
        return self.python(*before, path.name)
