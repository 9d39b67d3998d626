"""How fast `routedb move` copies `lineitem` of TPC-H, beside what is there for it.

MariaDB to PostgreSQL beside pgloader, with one thread and with two; PostgreSQL to
PostgreSQL beside `pg_dump | psql`. Each is a process of its own, from its start to its
end, without indexes, whose memory is shown too. What ours does beyond copying has no
counterpart in theirs (the comparison of all rows, and taking the move back), and is
taken off: the process is stopped when all is copied.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import psycopg2

from benchmarks.server import filled_servers
from benchmarks.timing import Row
from benchmarks.tpch import data
from routedb import move
from tests.support.servers import start_mariadb

SCALE = float(os.environ.get("ROUTEDB_MOVED_SCALE", "0.1"))
_TABLE = "lineitem"
_OURS = """
import json, os, sys
from routedb import move
config, threads = json.loads(sys.argv[1]), int(sys.argv[2])
name = f"bench{os.getpid()}"
class Copied(Exception):
    pass
def tell(progress):
    if progress.step == "all copied":
        raise Copied
try:
    move.start(config, name, ["lineitem"], "new", tell=tell, parallel=threads)
except Copied:
    print(name)
"""
# A process counts as its own memory what its parent had when it was begun: so the
# parent is this one, which has little.
_WATCHING = """
import os, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - began, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Took(NamedTuple):
    """What a copy took: seconds, and bytes of memory."""

    seconds: float
    memory: int


def run() -> list[Row]:
    """Measure; takes some minutes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="routedb-bench-")))
        data.generate(SCALE, folder)
        servers, name = stack.enter_context(filled_servers())
        target = servers.writer.dsn(name)
        source = servers.writer.dsn(servers.create_database())
        others, other = stack.enter_context(
            filled_servers(start=start_mariadb, user="mysql")
        )
        old = others.writer.dsn(other)
        others.writer.execute("SET GLOBAL log_bin_trust_function_creators = 1")
        raw = stack.enter_context(closing(others.writer.connect(other)))
        rows = _fill(folder, source, raw)
        return [*_from_mariadb(old, target, rows), *_from_postgresql(source, target)]


def _fill(folder: Path, postgresql: str, mariadb: Any) -> int:
    """Fill both; return the number of rows."""
    with closing(psycopg2.connect(postgresql)) as raw:
        data.create(raw, [_TABLE])
        data.fill_postgresql(raw, _TABLE, data.lines_of(folder, _TABLE))
        with raw.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {_TABLE}")
            ((count,),) = cursor.fetchall()
        raw.commit()
    data.create(mariadb, [_TABLE])
    data.fill_mariadb(mariadb, _TABLE, data.lines_of(folder, _TABLE))
    return int(count)


def _from_mariadb(old: str, target: str, rows: int) -> list[Row]:
    took = {f"{n} threads": _ours(old, target, n) for n in (1, 2)}
    shown = "; ".join(_shown(name, each, rows) for name, each in took.items())
    found = shutil.which("pgloader")
    if found is None:
        seconds = took["1 threads"].seconds
        return [Row("MariaDB to PostgreSQL", seconds, "s", None, shown)]
    theirs = _pgloader(found, old, target)
    shown += "; " + _shown("pgloader", theirs, rows)
    made = []
    for name, bar in (("1 threads", 1 / 3), ("2 threads", 1 / 4)):
        part = took[name].seconds / theirs.seconds
        title = f"MariaDB to PostgreSQL, {name}, of pgloader's time"
        made.append(Row(title, part, "", round(bar, 2), shown))
    memory = max(each.memory for each in took.values()) / 1e6
    return [*made, Row("memory of the mover", memory, "MB", 100)]


def _from_postgresql(source: str, target: str) -> list[Row]:
    _empty(target)
    dump = f"pg_dump -t {_TABLE} '{source}' | psql -q -o /dev/null '{target}'"
    began = time.perf_counter()
    subprocess.run(["bash", "-c", dump], check=True)
    theirs = time.perf_counter() - began
    _empty(target)
    ours = _ours(source, target, 1)
    shown = f"{ours.seconds:.1f} s; pg_dump | psql {theirs:.1f} s"
    title = "PostgreSQL to PostgreSQL, of pg_dump | psql's time"
    return [Row(title, ours.seconds / theirs, "", round(1 / 1.3, 2), shown)]


def _ours(old: str, target: str, threads: int) -> Took:
    config = {
        "default": "new",
        "databases": {"old": {"nodes": [old]}, "new": {"nodes": [target]}},
        "tables": {_TABLE: "old"},
    }
    argv = [sys.executable, "-c", _OURS, json.dumps(config), str(threads)]
    name, took = _watched(argv)
    move.abort(config, name)
    return took


def _pgloader(program: str, old: str, target: str) -> Took:
    with TemporaryDirectory(prefix="routedb-bench-") as folder:
        script = Path(folder) / "copy.load"
        script.write_text(
            f"LOAD DATABASE FROM {old} INTO {target} "
            "WITH create tables, create no indexes, no foreign keys, reset no "
            "sequences;\n"
        )
        return _watched([program, "--quiet", str(script)])[1]


def _watched(argv: list[str]) -> tuple[str, Took]:
    """Run `argv`; return what it prints, and what it took."""
    watching = [sys.executable, "-c", _WATCHING, *argv]
    said = subprocess.run(watching, stdout=subprocess.PIPE, text=True, check=True)
    *printed, last = said.stdout.splitlines()
    seconds, memory = last.split()
    return "\n".join(printed), Took(float(seconds), int(memory) * 1024)


def _empty(target: str) -> None:
    with closing(psycopg2.connect(target)) as raw, raw, raw.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_TABLE}")


def _shown(name: str, took: Took, rows: int) -> str:
    rate = rows / took.seconds
    return f"{name} {rate:,.0f} rows/s, {took.memory / 1e6:.0f} MB"
