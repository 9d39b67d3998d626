"""What PostgreSQL and MariaDB servers of the tests have in common."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.support.servers.place import Place

USER = "routedb"
PASSWORD = "the-password-of-the-tests"

# $1 is a pid file, $2 the data folder: a pid is believed only while its process works
# there, for a killed server leaves its pid file behind. A zombie works nowhere.
_FIND = """
pid=$(head -n 1 "$1" 2>/dev/null) && [ "$(readlink "/proc/$pid/cwd")" = "$2" ]
"""
# PostgreSQL puts each child into a session of its own, so a process group would miss
# them. Stopped first, the parent can start no more while they are counted. A process
# goes on for a moment after STOP where its threads have processors of their own; it
# has closed its sockets when it is a zombie, and has no other threads: MariaDB's may
# outlive the first one.
_SIGNAL = f"""
{{ {_FIND.strip()}; }} || exit 0
kill -s STOP "$pid"
all="$(cat "/proc/$pid/task/$pid/children") $pid"
kill -s "$3" $all
if [ "$3" = STOP ]; then
    for each in $all; do
        while grep -h '^State:' "/proc/$each/task/"*/status 2>/dev/null |
            grep -qvE 'stopped|zombie|dead'
        do sleep 0.02; done
    done
fi
[ "$3" = KILL ] || exit 0
for each in $all; do
    until [ "$(ls "/proc/$each/task" 2>/dev/null | wc -l)" -lt 2 ] &&
        ! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$each/status" 2>/dev/null
    do sleep 0.02; done
done
"""


class Server(ABC):
    """One server process with its data, at a port that stays its own when it is down.

    Faults are said through these methods, so that the cluster knows of them and the
    fixture repairs it after the test.
    """

    scheme: str
    host = "127.0.0.1"
    user = USER
    password = PASSWORD

    def __init__(self, name: str, place: Place, port: int) -> None:
        self.name = name
        self.port = port
        self.is_disturbed = False
        self.source: Server | None = None  # whom a replica was last told to follow
        self._kept: tuple[int, Any] | None = None
        self._asking = threading.Lock()
        self._place = place
        self._folder = f"{place.folder}/{name}"
        self._data = f"{self._folder}/data"
        self._pid_file = f"{self._data}/postmaster.pid"
        self._log = f"{self._folder}/server.log"  # without a dot MariaDB adds .err

    def __repr__(self) -> str:
        return f"<{self.scheme} {self.name} at {self.host}:{self.port}>"

    def dsn(self, dbname: str) -> str:
        """Return the URL of a database on this server."""
        password = quote(self.password, safe="")
        return (
            f"{self.scheme}://{self.user}:{password}@{self.host}:{self.port}/{dbname}"
        )

    @abstractmethod
    def connect(self, dbname: str | None = None) -> Any:
        """Open a plain driver connection as administrator, in autocommit mode."""

    def execute(
        self, sql: str, params: Sequence[Any] | None = None, dbname: str | None = None
    ) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own and return its rows."""
        connection = self.connect(dbname)
        try:
            return _rows(connection, sql, params)
        finally:
            connection.close()

    def query(
        self, sql: str, params: Sequence[Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run a statement that may run twice, on a connection kept open for such.

        A server that a test broke is asked on a new one: it may never answer on the
        old one, nor have an end.
        """
        if self.is_disturbed:
            return self.execute(sql, params)
        with self._asking:
            # One of the process that this was forked from is left alone.
            if self._kept is not None and self._kept[0] == os.getpid():
                try:
                    return _rows(self._kept[1], sql, params)
                except Exception:  # a restarted server's driver may say anything
                    self._kept[1].close()
            self._kept = os.getpid(), self.connect()
            return _rows(self._kept[1], sql, params)

    @abstractmethod
    def start(self) -> None:
        """Start the server, if it is down, and wait until it answers."""

    @abstractmethod
    def stop(self, mode: str = "fast") -> None:
        """Shut the server down and wait until it is gone."""

    @abstractmethod
    def promote(self) -> None:
        """Make a replica a writer."""

    @abstractmethod
    def follow(self, source: Server) -> None:
        """Point a running replica at another server."""

    @abstractmethod
    def copy(self, source: Server) -> None:
        """Become a new replica of another server, with nothing left of the old data."""

    @property
    @abstractmethod
    def is_writer(self) -> bool:
        """Ask the server whether it takes writes."""

    @property
    def is_running(self) -> bool:
        """Tell whether the server's process is there; a paused one is."""
        found = self._sh(f"{{ {_FIND.strip()}; }} && echo yes || true")
        return found.strip() == "yes"

    def kill(self) -> None:
        """End all processes of the server at once, with SIGKILL."""
        self.is_disturbed = True
        self._sh(_SIGNAL, "KILL")

    def pause(self) -> None:
        """Freeze all processes of the server; the kernel still accepts for it."""
        self.is_disturbed = True
        self._sh(_SIGNAL, "STOP")

    def resume(self) -> None:
        """Undo a pause."""
        self._sh(_SIGNAL, "CONT")

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def log(self) -> str:
        """The last lines of the server's log, for failure messages."""
        return self._place.run("tail", "-n", "40", self._log)

    def _sh(self, script: str, *arguments: str) -> str:
        return self._place.run(
            "sh", "-c", script, "sh", self._pid_file, self._data, *arguments
        )

    def _write(self, path: str, text: str) -> None:
        self._place.run("sh", "-c", 'printf %s "$2" >"$1"', "sh", path, text)


class Cluster(ABC):
    """A writer and its replicas."""

    def __init__(self, place: Place, nodes: Sequence[Server]) -> None:
        self._place = place
        self.nodes = list(nodes)
        self._numbers = itertools.count(1)

    @property
    def writer(self) -> Server:
        """The server that is writer when all is well."""
        return self.nodes[0]

    @property
    def replicas(self) -> list[Server]:
        return self.nodes[1:]

    @property
    def is_disturbed(self) -> bool:
        """Tell whether a fault was made since the last `restore()`."""
        return any(node.is_disturbed for node in self.nodes)

    @abstractmethod
    def wait_replayed(self, timeout: float = 30) -> None:
        """Wait until each replica holds all that the writer has committed so far."""

    @abstractmethod
    def drop_database(self, name: str) -> None:
        """Drop a database although somebody is still connected to it."""

    def create_database(self) -> str:
        """Create a database under a name nobody else has, on all nodes."""
        name = self._new_name()
        self.writer.execute(f"CREATE DATABASE {name}")
        self.wait_replayed()
        return name

    def take_back(self, name: str) -> None:
        """Have done with a database that was lent, while all servers are well."""
        self.drop_database(name)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Lend a database; whatever its user broke is repaired afterwards."""
        name = self.create_database()
        try:
            yield Database(name, self)
        finally:
            if self.is_disturbed:
                self.restore()
                self.drop_database(name)
            else:
                self.take_back(name)

    def _new_name(self) -> str:
        return f"t{os.getpid()}_{next(self._numbers)}_{random.randrange(16**4):04x}"

    def restore(self) -> None:
        """Bring the writer and its replicas back to how they began.

        The writer's data counts; what a promoted replica was told is forgotten.
        """
        for node in self.nodes:
            node.resume()
        has_new_history = self._restore_writer()
        self._copy(
            [each for each in self.replicas if has_new_history or not self._mend(each)]
        )
        self.wait_replayed()
        for node in self.nodes:
            node.is_disturbed = False

    @abstractmethod
    def _restore_writer(self) -> bool:
        """Have the writer run, as a writer; tell whether it had to be promoted."""

    @abstractmethod
    def _mend(self, replica: Server) -> bool:
        """Have the replica follow the writer, if that goes without a new copy."""

    @abstractmethod
    def _copy(self, replicas: Sequence[Server]) -> None:
        """Have these be new replicas of the writer."""

    def close(self) -> None:
        self._place.close()


def at_once(nodes: Sequence[Server], do: Callable[[Any], object]) -> None:
    """Do something with each of several servers, all at the same time."""
    if nodes:
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(do, nodes))


@dataclass(frozen=True)
class Database:
    """A fresh database on a cluster, for one test."""

    name: str
    cluster: Cluster

    @property
    def dsns(self) -> list[str]:
        """The URLs of the database on all nodes, the writer's first."""
        return [node.dsn(self.name) for node in self.cluster.nodes]

    @property
    def writer_dsn(self) -> str:
        return self.dsns[0]

    @property
    def replica_dsns(self) -> list[str]:
        return self.dsns[1:]

    def execute(
        self, sql: str, params: Sequence[Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run one statement on the writer."""
        return self.cluster.writer.execute(sql, params, self.name)

    def wait_replayed(self, timeout: float = 30) -> None:
        self.cluster.wait_replayed(timeout)


def wait_until(holds: Callable[[], object], what: str, timeout: float = 30) -> None:
    """Ask again and again until it holds; an error of the question counts as no."""
    deadline = time.monotonic() + timeout
    pause_s = 0.001
    while True:
        trouble: Exception | None = None
        try:
            if holds():
                return
        except Exception as error:  # whatever a starting server may say
            trouble = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"{timeout:g} s were not enough: {what}") from trouble
        time.sleep(pause_s)
        pause_s = min(0.02, pause_s * 2)


def _rows(
    connection: Any, sql: str, params: Sequence[Any] | None
) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.execute(sql, params)
    return list(cursor.fetchall()) if cursor.description else []
