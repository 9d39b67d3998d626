"""SQLAlchemy's tests of its PostgreSQL dialect, engine and queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
# The ORM's session, unit of work and transactions, with tables dealt over two
# databases: by the first letter, as the names of most end alike.
DEALT = (
    *("test/orm/test_session.py", "test/orm/test_transaction.py"),
    *("test/orm/test_unitofwork.py", "test/orm/test_unitofworkv2.py"),
    *("test/orm/test_versioning.py", "test/orm/test_query.py"),
)
RULES = {"[a-m]*": "far"}


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
        where.cluster.drop_database(f"{DATABASE}_far")
        where.create(
            DATABASE,
            *("CREATE SCHEMA test_schema", "CREATE SCHEMA test_schema_2"),
            *("CREATE EXTENSION hstore", "CREATE EXTENSION citext"),
        )

    def command(self, where: Where, quick: bool) -> Command:
        return self._command(where, QUICK if quick else PARTS, "psycopg2")

    def dealt(self, where: Where, quick: bool, is_dealt: bool) -> Command:
        parts = DEALT[1:2] if quick else DEALT
        if not is_dealt:
            return self._command(where, parts, "psycopg2")
        return self._command(where, ("-p", "dealt_sqlalchemy", *parts), "dealt")

    def _command(self, where: Where, parts: Sequence[str], driver: str) -> Command:
        server = where.writer
        account = f"{server.user}:{quote(server.password, safe='')}"
        place = f"{server.host}:{server.port}/{DATABASE}"
        return Command(
            self.pytest(*parts, "--dburi", f"postgresql+{driver}://{account}@{place}"),
            self.source(),
            {"SUITES_RULES": json.dumps(RULES)},
        )
