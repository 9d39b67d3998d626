"""peewee's tests, from Debian's source package.

The project's source distributions have none (looked at: 4.5.3 and 3.19.0). Debian's
source package is the repository as it was released, in the version that Debian has.
"""

from __future__ import annotations

from pathlib import Path

from tests.suites.source import debian_source
from tests.suites.suite import Command, Suite, Where

DATABASE = "peewee_test"


class Peewee(Suite):
    name = "peewee"
    version = "Debian's"
    engine = "postgresql"
    driver = "psycopg2"
    needs = ("psycopg2-binary==2.9.*",)
    ends = (0, 1, 2)  # 2: tests ended in errors

    def source(self) -> Path:
        return debian_source("peewee")

    def prepare(self, where: Where) -> None:
        where.create(DATABASE, "CREATE EXTENSION hstore")

    def command(self, where: Where, quick: bool) -> Command:
        server = where.writer
        words = ["transactions", "postgres"] if quick else []
        return Command(
            [str(self.python), "runtests.py", *words],
            self.source(),
            {
                "PEEWEE_TEST_BACKEND": "postgres",
                "PEEWEE_PSQL_HOST": server.host,
                "PEEWEE_PSQL_PORT": str(server.port),
                "PEEWEE_PSQL_USER": server.user,
                "PEEWEE_PSQL_PASSWORD": server.password,
            },
        )
