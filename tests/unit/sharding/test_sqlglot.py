"""sqlglot is imported late, and keeps quiet."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.sharded import shard

SAY = "import sys; print(sorted({m.split('.')[0] for m in sys.modules}))"


def imported(code: str) -> str:
    command = [sys.executable, "-c", f"{code}; {SAY}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_it_is_imported_at_the_first_statement_analysed() -> None:
    analyse = "from tests.support.sharded import shard; shard('table countries')"
    assert "'sqlglot'" not in imported("import routedb, routedb.sharding")
    assert "'sqlglot'" in imported(analyse)


def test_the_package_keeps_its_function_after_the_first_analysis() -> None:
    from routedb import sharding  # noqa: PLC0415  (looked at after its use)

    assert shard("table countries") == "any"
    assert callable(sharding.analyse)


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("select data ->> 'a b' from orders where customer_id = 5", "postgresql"),
        ("select data ->> '$.a' from orders where customer_id = 5", "sqlite"),
        ("select json_extract(x, '$[0]') from orders where customer_id = 5", "mysql"),
        ("replace into orders (customer_id) values (5)", "mysql"),
        ("explain select * from orders where customer_id = 5", "postgresql"),
    ],
)
def test_it_logs_nothing(
    sql: str, dialect: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert shard(sql, None, dialect) == 1
    assert caplog.records == []
