"""Pony's tests, which its distributions have in them."""

from __future__ import annotations

from pathlib import Path

from tests.suites.source import call
from tests.suites.suite import Command, Suite, Where

DATABASE = "pony_test"
SETTINGS = """\
settings = dict(
    provider="postgres", host={host!r}, port={port}, user={user!r},
    password={password!r}, database={database!r},
)
"""


class Pony(Suite):
    name = "pony"
    version = "0.7.20"
    engine = "postgresql"
    driver = "psycopg2"
    needs = (f"pony=={version}", "psycopg2-binary==2.9.*")

    def source(self) -> Path:
        """Return the folder that the package was installed in."""
        asked = "import pathlib, pony; print(pathlib.Path(pony.__file__).parents[1])"
        return Path(call([str(self.python), "-c", asked]).strip())

    def prepare(self, where: Where) -> None:
        where.create(DATABASE)

    def command(self, where: Where, quick: bool) -> Command:
        settings = where.write("settings.py", SETTINGS, DATABASE)
        chosen = "test_declarative_[e-q]*.py" if quick else "test_*.py"
        source = self.source()
        words = ["discover", "-s", "pony/orm/tests", "-t", str(source), "-p", chosen]
        return Command(
            [str(self.python), "-m", "unittest", *words],
            source,
            {"pony_test_db": str(settings)},
        )
