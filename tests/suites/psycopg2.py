"""psycopg2's own tests."""

from __future__ import annotations

from tests.suites.suite import PYTEST, Command, Suite, Where

DATABASE = "psycopg2_test"
QUICK = ("tests/test_cursor.py", "tests/test_with.py", "tests/test_sql.py")


class Psycopg2(Suite):
    name = "psycopg2"
    version = "2.9.*"
    engine = "postgresql"
    driver = "psycopg2"
    needs = ("psycopg2-binary==2.9.*", *PYTEST)

    def prepare(self, where: Where) -> None:
        where.create(DATABASE, "CREATE EXTENSION hstore")

    def command(self, where: Where, quick: bool) -> Command:
        server = where.writer
        return Command(
            self.pytest(*(QUICK if quick else ["tests"])),
            self.source(),
            {
                "PSYCOPG2_TESTDB": DATABASE,
                "PSYCOPG2_TESTDB_HOST": server.host,
                "PSYCOPG2_TESTDB_PORT": str(server.port),
                "PSYCOPG2_TESTDB_USER": server.user,
                "PSYCOPG2_TESTDB_PASSWORD": server.password,
            },
        )
