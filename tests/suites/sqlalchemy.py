"""SQLAlchemy's tests of its PostgreSQL dialect, engine and queries."""

from __future__ import annotations

from urllib.parse import quote

from tests.suites.suite import PYTEST, Command, Suite, Where

DATABASE = "sqlalchemy_test"
PARTS = (
    *("test/dialect/test_suite.py", "test/dialect/postgresql", "test/engine"),
    *("test/sql/test_query.py", "test/sql/test_insert_exec.py"),
    *("test/sql/test_resultset.py", "test/sql/test_returning.py"),
    *("test/sql/test_update.py", "test/sql/test_types.py"),
    *("test/orm/test_query.py", "test/orm/test_transaction.py"),
)
QUICK = ("test/engine/test_transaction.py", "test/dialect/postgresql/test_query.py")


class SQLAlchemy(Suite):
    name = "sqlalchemy"
    version = "2.1.*"
    engine = "postgresql"
    driver = "psycopg2"
    needs = (
        *("psycopg2-binary==2.9.*", *PYTEST, "greenlet>=3"),
        *("typing-extensions>=4.6", "mypy", "pytest-xdist"),
    )

    def prepare(self, where: Where) -> None:
        where.create(
            DATABASE,
            *("CREATE SCHEMA test_schema", "CREATE SCHEMA test_schema_2"),
            *("CREATE EXTENSION hstore", "CREATE EXTENSION citext"),
        )

    def command(self, where: Where, quick: bool) -> Command:
        server = where.writer
        account = f"{server.user}:{quote(server.password, safe='')}"
        place = f"{server.host}:{server.port}/{DATABASE}"
        return Command(
            self.pytest(
                *(QUICK if quick else PARTS),
                *("--dburi", f"postgresql+psycopg2://{account}@{place}"),
            ),
            self.source(),
            {},
        )
