"""The eight tables: made by `tpchgen-cli`, and loaded into databases."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Container, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

_MONEY = "decimal(15, 2)"


class Layout(NamedTuple):
    """Columns and their types, the primary key, and what else is indexed."""

    columns: dict[str, str]
    key: str
    indexes: tuple[str, ...] = ()


def _layout(prefix: str, columns: str, key: str, *indexes: str) -> Layout:
    pairs = (each.strip().split(None, 1) for each in columns.split(";"))
    named = {
        f"{prefix}_{name}": type_.replace("money", _MONEY) for name, type_ in pairs
    }
    return Layout(named, key, indexes)


_PERSON = "address varchar(40); nationkey integer; phone char(15); acctbal money"
TABLES = {
    "region": _layout(
        "r", "regionkey integer; name char(25); comment varchar(152)", "r_regionkey"
    ),
    "nation": _layout(
        "n",
        "nationkey integer; name char(25); regionkey integer; comment varchar(152)",
        "n_nationkey",
    ),
    "supplier": _layout(
        "s",
        f"suppkey integer; name char(25); {_PERSON}; comment varchar(101)",
        "s_suppkey",
    ),
    "customer": _layout(
        "c",
        f"custkey integer; name varchar(25); {_PERSON}; mktsegment char(10); "
        "comment varchar(117)",
        "c_custkey",
    ),
    "part": _layout(
        "p",
        "partkey integer; name varchar(55); mfgr char(25); brand char(10); "
        "type varchar(25); size integer; container char(10); retailprice money; "
        "comment varchar(23)",
        "p_partkey",
    ),
    "partsupp": _layout(
        "ps",
        "partkey integer; suppkey integer; availqty integer; supplycost money; "
        "comment varchar(199)",
        "ps_partkey, ps_suppkey",
        "ps_suppkey",
    ),
    "orders": _layout(
        "o",
        "orderkey bigint; custkey integer; orderstatus char(1); totalprice money; "
        "orderdate date; orderpriority char(15); clerk char(15); shippriority integer; "
        "comment varchar(79)",
        "o_orderkey",
        "o_custkey",
    ),
    "lineitem": _layout(
        "l",
        "orderkey bigint; partkey integer; suppkey integer; linenumber integer; "
        "quantity money; extendedprice money; discount money; tax money; "
        "returnflag char(1); linestatus char(1); shipdate date; commitdate date; "
        "receiptdate date; shipinstruct char(25); shipmode char(10); "
        "comment varchar(44)",
        "l_orderkey, l_linenumber",
        "l_partkey, l_suppkey",
    ),
}
SHARDED = {"orders": "o_orderkey", "lineitem": "l_orderkey"}  # each its first column
_AT_ONCE = 1000


class MissingGenerator(Exception):  # noqa: N818
    """`tpchgen-cli` cannot be run."""


def generate(scale: float, folder: Path) -> None:
    """Write the tables as CSV into `folder`. Raises MissingGenerator."""
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    program = shutil.which("tpchgen-cli", path=here)
    if program is None:
        raise MissingGenerator('tpchgen-cli is not there: pip install ".[bench]"')
    argv = [program, "csv", "-s", str(scale), f"--output-dir={folder}"]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def create(
    raw: Any, tables: Iterable[str], carried: Container[str] = frozenset()
) -> None:
    """Make these tables, empty. Of those `carried` from MariaDB texts are `text`: what
    routedb makes of its texts in statements of PostgreSQL's."""
    for table in tables:
        layout = TABLES[table]
        lines = []
        for name, type_ in layout.columns.items():
            is_text = table in carried and "char" in type_
            lines.append(f"{name} {'text' if is_text else type_} NOT NULL")
        lines.append(f"PRIMARY KEY ({layout.key})")
        raw.cursor().execute(f"CREATE TABLE {table} ({', '.join(lines)})")


def index(raw: Any, tables: Iterable[str]) -> None:
    """Make the indexes of tables that are filled, and have them analysed."""
    is_postgresql = type(raw).__module__.startswith("psycopg2")
    for table in tables:
        for columns in TABLES[table].indexes:
            name = f"{table}_{columns.replace(', ', '_')}"
            raw.cursor().execute(f"CREATE INDEX {name} ON {table} ({columns})")
        word = "VACUUM ANALYZE" if is_postgresql else "ANALYZE TABLE"
        raw.cursor().execute(f"{word} {table}")


def lines_of(folder: Path, table: str) -> Iterator[str]:
    """Yield the rows of a table as lines of CSV."""
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        next(file)  # the names of the columns
        yield from file


def fill_postgresql(raw: Any, table: str, lines: Iterable[str]) -> None:
    """Copy lines of CSV into a table."""
    text = io.StringIO("".join(lines))
    raw.cursor().copy_expert(f"COPY {table} FROM STDIN (FORMAT csv)", text)


def fill_mariadb(raw: Any, table: str, lines: Iterable[str]) -> None:
    """Insert lines of CSV into a table."""
    rows = csv.reader(lines)
    marks = ", ".join(["%s"] * len(TABLES[table].columns))
    cursor = raw.cursor()
    cursor.execute("BEGIN")
    while some := list(islice(rows, _AT_ONCE)):
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", some)
    cursor.execute("COMMIT")
