"""One configured node, whose host name has the addresses of several servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.host_name import environment
from tests.support.later import later
from tests.support.proxy import Proxy
from tests.support.replay import go_on, stop

NAME = "replicas.example"
ADDRESSES = ["127.0.0.2", "127.0.0.3"]
PROGRAM = """
import json, sys, time
import routedb

given = json.load(sys.stdin)
stale = 0
with routedb.Cluster(given["source"]) as cluster:
    for key in range(100, 100 + given["rounds"]):
        connection = cluster.connect(autocommit=True)
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM t")
        cursor.fetchall()
        cursor.execute("INSERT INTO t VALUES (%s, 0)", (key,))
        time.sleep(0.03)  # a sample may come, and say that a replica has it
        cursor.execute("SELECT count(*) FROM t WHERE id = %s", (key,))
        stale += cursor.fetchone() != (1,)
        connection.close()
    deadline = time.monotonic() + 30
    while True:
        connection = cluster.connect(autocommit=True)
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM t")
        cursor.fetchall()
        connection.close()
        [node] = [each for each in cluster.status() if each.name == "name"]
        if node.failure or time.monotonic() > deadline or not given["is_said"]:
            break
        time.sleep(0.01)
json.dump({"stale": stale, "failure": node.failure}, sys.stdout)
"""


@pytest.fixture
def dsn(rig):
    """A DSN whose host has two addresses: of a replica, and of one that lags."""
    behind = [rig.servers[each] for each in ("replica1", "replica2")]
    first = Proxy(behind[0].host, behind[0].port, at=(ADDRESSES[0], 0))
    rig._stack.enter_context(first)
    second = Proxy(behind[1].host, behind[1].port, at=(ADDRESSES[1], first.port))
    rig._stack.enter_context(second)
    stop(rig, "replica2")
    parts = urlsplit(rig._dsns["replica1"])
    login = parts.netloc.rpartition("@")[0]
    yield parts._replace(netloc=f"{login}@{NAME}:{first.port}").geturl()
    go_on(rig, "replica2")


@pytest.mark.engine_in_turn
@pytest.mark.parametrize(
    ("is_meant", "pool"), [(False, "off"), *later([(True, "off"), (False, "on")])]
)
def test_what_was_written_is_read(rig, dsn, tmp_path, is_meant, pool):
    node = {"dsn": dsn, "name": "name", "balanced": is_meant}
    writer = {"dsn": rig._dsns["writer"], "name": "writer"}
    main = {"nodes": [writer, node], "max_lag": "off", "pool": pool}
    source = {"default": "main", "databases": {"main": main}}
    given = {"source": source, "rounds": 20, "is_said": not is_meant}
    told = played(given, environment(tmp_path, NAME, ADDRESSES))
    assert told["stale"] == 0
    assert ("lead to several servers" in told["failure"]) is not is_meant


def played(given: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """Run the program in a process where the name is known; return what it says."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(given),
        env={**os.environ, **variables},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told
