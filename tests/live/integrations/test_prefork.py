"""Servers that fork their workers after a connection was opened, as gunicorn does with
`preload_app`: each worker goes on with the connection as with one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.docs.readme import ROOT

WORKERS, TIMES = 4, 25

# The parent opens, reads, and forks; all of them go on, at the same time.
PROGRAM = """
import json, os, signal, sys
{imports}
connect, dsns = {connect}, sys.argv[1:]
signal.alarm(60)
connection = connect()
cursor = connection.cursor()
cursor.execute("SELECT 0")
{before}

def work(number):
    for value in range({times}):
        cursor.execute("SELECT %s, pg_backend_pid()", (number * 1000 + value,))
        rows = cursor.fetchall()
        assert [row[0] for row in rows] == [number * 1000 + value], rows
    return rows[0][1]

sides = []
for number in range({workers}):
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            os.write(write, json.dumps(work(number + 1)).encode())
        except BaseException as exc:
            os.write(write, json.dumps(repr(exc)).encode())
        os._exit(0)
    os.close(write)
    sides.append(read)
own = work(0)
print(json.dumps([own, *(json.loads(os.read(side, 4096)) for side in sides)]))
"""

CONNECTS = {
    "connect": ("import routedb", "lambda: routedb.connect(dsns, autocommit=True)"),
    "one node": ("import routedb", "lambda: routedb.connect(dsns[0], autocommit=True)"),
    "a cluster": (
        "import routedb",
        "lambda: routedb.Cluster(dsns).connect(autocommit=True)",
    ),
    "a pool": (
        "import routedb",
        "lambda: routedb.connect(dsns, autocommit=True, pool={'max': 2})",
    ),
    "patch": (
        "import psycopg2, routedb",
        "lambda: (routedb.patch(dsns, autocommit=True), psycopg2.connect(''))[1]",
    ),
    "SQLAlchemy": (
        "import sqlalchemy as sa",
        "lambda: sa.create_engine('routedb://', isolation_level='AUTOCOMMIT', "
        "connect_args={'source': dsns}).raw_connection()",
    ),
}


@pytest.mark.parametrize("name", CONNECTS)
def test_forked_workers_go_on_with_a_connection_of_their_parent(pg, name):
    imports, connect = CONNECTS[name]
    text = PROGRAM.format(
        imports=imports, connect=connect, before="", times=TIMES, workers=WORKERS
    )
    ran = subprocess.run(
        [sys.executable, "-c", text, *pg.dsns],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=90,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    backends = json.loads(ran.stdout)
    assert all(isinstance(number, int) for number in backends), backends
    assert len(set(backends)) == WORKERS + 1  # nobody shares a session
