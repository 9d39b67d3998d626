"""What a suite is, and how one run of it goes."""

from __future__ import annotations

import compileall
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.suites.outcomes import Run, read, read_roles
from tests.suites.source import ROOT, Unobtainable, cache, environment, sdist
from tests.support.servers import Cluster, Server

PYTEST = ("pytest>=9,<10", "pytest-timeout>=2.4,<3")  # a test that hangs, fails
SITE = Path(__file__).parent / "site"
_LAST = 8  # lines of output shown of a run that went wrong
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR")  # of our environment; no PG* and the like


@dataclass(frozen=True)
class Where:
    """The server that a suite runs on, and a folder for what it writes."""

    cluster: Cluster
    folder: Path

    @property
    def writer(self) -> Server:
        return self.cluster.writer

    def create(self, database: str, *statements: str, options: str = "") -> None:
        """Create a database anew, and run statements in it."""
        self.cluster.drop_database(database)
        self.writer.execute(f"CREATE DATABASE {database} {options}")
        for statement in statements:
            self.writer.execute(statement, dbname=database)

    def write(self, name: str, template: str, database: str) -> Path:
        """Write the file `name`: the `template` with the writer's host, port, user and
        password, and a `database`."""
        server, path = self.writer, self.folder / name
        text = template.format(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            database=database,
        )
        path.write_text(text, encoding="utf-8")
        return path


@dataclass(frozen=True)
class Command:
    """One process of the suite."""

    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """How much of a suite is asked for, on how many nodes, and whether replicas serve
    its plain reads.

    `select` is an expression for `-k`, of pytest and of Django alike. `dealt` is the
    engine of a second database, over which and the first the tables are dealt by rules.
    """

    nodes: int = 1
    is_serving: bool = False
    quick: bool = False
    select: str | None = None
    dealt: str = ""

    @property
    def options(self) -> dict[str, str]:
        """Options of the database, for connections to several nodes."""
        if self.nodes == 1:
            return {}
        return {"consistency": "process"} if self.is_serving else {"reads": "writer"}

    @property
    def name(self) -> str:
        """Return what to call the logs of such a run."""
        if self.dealt:
            return f"dealt-{self.dealt}"
        return f"{self.nodes}-serving" if self.is_serving else str(self.nodes)


class Suite(ABC):
    """One public suite. Nothing of it lies in this repository."""

    name: str
    version: str  # of the source, as its registry is asked for it
    engine: str  # `postgresql` or `mysql`: the servers it needs
    driver: str  # the module whose `connect` is swapped
    needs: Sequence[str]  # packages besides the source
    minutes = (
        60  # the longest that one run may take: on a busy machine, ten times as long
    )
    ends: Sequence[int] = (0, 1)  # exit statuses of a complete run; 1: tests failed

    @property
    def python(self) -> Path:
        """The Python of the suite's own environment."""
        return environment(self.name, self.needs)

    def source(self) -> Path:
        """Obtain the source and return its folder: that of the distribution that has
        the suite's name, unless a suite says otherwise. Raises Unobtainable."""
        return sdist(self.python, f"{self.name}=={self.version}")

    @abstractmethod
    def prepare(self, where: Where) -> None:
        """Make what the suite expects on the server; drop what the last run left."""

    @abstractmethod
    def command(self, where: Where, quick: bool) -> Command:
        """Return what to run; `quick` asks for a part of about a minute."""

    def dealt(self, where: Where, quick: bool, is_dealt: bool) -> Command:
        """Return what to run with tables dealt over two databases, and to compare with
        that, without."""
        raise Unobtainable(f"{self.name} has no tables that could be dealt")

    def pytest(self, *arguments: str) -> list[str]:
        """Return the words of a call of pytest that notes outcomes."""
        return [
            *(str(self.python), "-m", "pytest", "-q", "-p", "recorder"),
            *("-p", "no:cacheprovider", "--tb=short", "--timeout", "90", *arguments),
        ]


def run(suite: Suite, cluster: Cluster, driver: str, asked: Asked) -> Run:
    """Run a suite once, on the plain driver or on routedb. Raises Unobtainable."""
    source = suite.source()
    with tempfile.TemporaryDirectory(prefix="routedb-suite-") as scratch:
        where = Where(cluster, Path(scratch))
        suite.prepare(where)
        cluster.wait_replayed()
        is_dealt = bool(asked.dealt) and driver == "routedb"
        if asked.dealt:
            command = suite.dealt(where, asked.quick, is_dealt)
        else:
            command = suite.command(where, asked.quick)
        if asked.select:
            command = replace(command, argv=[*command.argv, "-k", asked.select])
        record, roles = where.folder / "record.jsonl", where.folder / "roles.jsonl"
        log = cache() / f"{suite.name}-{driver}-{asked.name}.log"
        ports = [node.port for node in cluster.nodes[: asked.nodes]]
        settings = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "PYTHONPATH": os.pathsep.join([str(SITE), str(_copy(where.folder))]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SUITES_SWAP": suite.driver if driver == "routedb" else "",
            "SUITES_NODES": ",".join(map(str, ports)),
            "SUITES_OPTIONS": json.dumps(asked.options),
            "SUITES_RECORD": str(record),
            "SUITES_ROLES": str(roles) if asked.is_serving else "",
            **command.environment,
        }
        began, before = time.monotonic(), _children_s()
        trouble = _process(suite, command, settings, log)
        cpu_s, seconds = _children_s() - before, time.monotonic() - began
        outcomes = {
            test.replace(str(source), "…"): outcome
            for test, outcome in read(record).items()
        }
        return Run(driver, outcomes, seconds, trouble, read_roles(roles), cpu_s)


def _children_s() -> float:
    """Return the processor's time of all processes that were waited for, so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _process(
    suite: Suite, command: Command, settings: Mapping[str, str], log: Path
) -> str | None:
    """Run the process; return what went wrong with it, failed tests aside."""
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            ["nice", *command.argv],
            cwd=command.cwd,
            env=dict(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all of it can be ended
        )
        try:
            code = process.wait(suite.minutes * 60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"not over after {suite.minutes} minutes; see {log}"
    if code in suite.ends:
        return None
    end = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST:]
    return "\n".join([f"exit status {code}; see {log}", *end])


def _copy(folder: Path) -> Path:
    """Return a folder that holds a copy of routedb alone.

    Beside it, in the checkout, lies a package `tests`, and so do many suites' own. It
    is a copy so that an edit does not change routedb in the middle of a run; compiled,
    as what is installed is, or the first import takes as long as many tests.
    """
    place = folder / "import"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "routedb", place / "routedb", ignore=ignored)
    compileall.compile_dir(place, quiet=2)
    return place
