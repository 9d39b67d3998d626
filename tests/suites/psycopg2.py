"""psycopg2's own tests."""

from __future__ import annotations

from tests.suites.suite import PYTEST, Command, Suite, Where

DATABASE = "psycopg2_test"
# What is for the whole length: values, which stay the driver's whoever connects, and
# what waits, or starts a process for each test.
VALUES = ("dates", "ipaddress", "quote", "sql", "types_extras")
SLOW = (
    *(f"test_{name}.py" for name in (*VALUES, "notify", "errcodes")),
    *("test_replication.py", "test_green.py::GreenTestCase"),
    *(f"test_copy.py::CopyTests::test_copy_{case}" for case in ("from_i", "to_s")),
    "test_copy.py::CopyTests::test_copy_from_segfault",
    *("test_connection.py::SignalTestCase", "test_cancel.py::CancelTests::test_async"),
    "test_connection.py::ConnectionTests::test_concurrent_execution",
    "test_connection.py::ConnectionTests::test_multiprocess_close",
    "test_transaction.py::DeadlockSerializationTests::test_deadlock",
    "test_async.py::AsyncTests::test_async_after_async",
    "test_async.py::AsyncTests::test_flush_on_write",
    "test_async.py::AsyncTests::test_non_block_after_notification",
)
QUICK = ("tests", *(f"--deselect=tests/{test}" for test in SLOW))


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
