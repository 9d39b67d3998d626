"""How long writers wait while the table is switched and comes back, and whether one
acknowledged write is lost or doubled.

Eight processes write 1,000 times a second: four by routedb (two in autocommit mode, one
in transactions, one that is stopped by SIGSTOP across the switch and across the undo),
four by plain drivers (two in autocommit mode, one by prepared statements, one in
transactions of 1.5 s), which go to the new place when they meet the fence. A gap is the
time between two acknowledged writes of one process. The longest of the same processes
while nothing moves is shown beside it: what the machine itself does.

`ROUTEDB_GAP_RUNS` is how often each direction is run (1); `ROUTEDB_GAP_KILLS` how often
the mover of each verb is killed at a moment of chance (0), after which the verb is done
again: then no gap counts, as nobody may write between the fence and the next mover.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import MySQLdb
import psycopg2

import routedb
from benchmarks.server import filled_servers
from benchmarks.timing import Row
from routedb import move
from tests.support.servers import start_mariadb

RUNS = int(os.environ.get("ROUTEDB_GAP_RUNS", "1"))
KILLS = int(os.environ.get("ROUTEDB_GAP_KILLS", "0"))
DIRECTIONS = ("pg-pg", "my-pg", "pg-my", "my-my")
_RATE = 125.0  # of each of eight
_LONG_S = 1.5
_QUIET_S = 3.0
_BARS_MS = {"pg": 150.0, "my": 300.0}  # by the engine that is fenced
_KEYS = 10_000_000
_KILLED_S = (0.4, 2.5)  # from the start of its process, which imports all anew
_MOST_FAILURES = 20
_CONTEXT = multiprocessing.get_context("spawn")


class Report(NamedTuple):
    """What a process has written: `values` of the keys that were acknowledged, and of
    others what may be there; when each was; and the errors that it has met."""

    values: dict[int, int]
    unsure: dict[int, set[int | None]]
    times: list[float]
    errors: list[str]


class Writer:
    """What each process does, over `open_`, until it is told to stop by `inbox`."""

    def __init__(self, number: int, inbox: Connection) -> None:
        self._key = number * _KEYS
        self._inbox = inbox
        self.said = Report({}, {}, [], [])

    def work(self, step: Callable[[Writer, int], None], pause_s: float) -> Report:
        """Call `step` with new keys until it is over."""
        due = time.monotonic()
        while not self._inbox.poll(max(0.0, due - time.monotonic())):
            self._key += 1
            step(self, self._key)
            due = max(due + pause_s, time.monotonic() - pause_s)
        return self.said

    def wrote(self, values: dict[int, int]) -> None:
        """Note `values` that were acknowledged now."""
        self.said.values.update(values)
        self.said.times.append(time.monotonic())


def write(role: str, number: int, place: Any, inbox: Connection) -> None:
    """Be the process `number` in `role`; say when it is ready, and its report."""
    ready = {"routed": _routed, "transactions": _transactions}.get(role)
    writer = Writer(number, inbox)
    if ready is not None:
        conn = routedb.connect(place, autocommit=role == "routed")
        cursor: Any = conn.cursor()
        step, pause = ready(cursor, conn)
    else:
        step, pause = _Plain(role, place).steps()
    inbox.send("ready")
    inbox.recv()
    inbox.send(writer.work(step, pause))
    inbox.recv()


def _connection(dsn: str) -> Any:
    if dsn.startswith("postgresql"):
        return psycopg2.connect(dsn)
    said = urlsplit(dsn)
    return MySQLdb.connect(
        host=said.hostname,
        port=said.port,
        user=said.username,
        passwd=said.password,
        db=said.path[1:],
    )


Steps = tuple[Callable[[Writer, int], None], float]
_INSERT = "INSERT INTO t (id, v) VALUES (%s, 0)"
_UPDATE = "UPDATE t SET v = v + 1 WHERE id = %s"


def _routed(cursor: Any, _: Any) -> Steps:
    def step(writer: Writer, key: int) -> None:
        for text, value in ((_INSERT, 0), (_UPDATE, 1)):
            try:
                cursor.execute(text, (key,))
            except routedb.Error as exc:
                writer.said.errors.append(f"{type(exc).__name__}: {exc}")
                writer.said.unsure[key] = {None, 0, 1}
                return
            writer.wrote({key: value})

    return step, 2 / _RATE


def _transactions(cursor: Any, conn: Any) -> Steps:
    def step(writer: Writer, key: int) -> None:
        while True:
            try:
                cursor.execute(_INSERT, (key,))
                cursor.execute(_UPDATE, (key,))
                conn.commit()
            except routedb.TransactionLost:
                conn.rollback()
            except routedb.Error as exc:
                writer.said.errors.append(f"{type(exc).__name__}: {exc}")
                writer.said.unsure[key] = {None, 1}
                return
            else:
                writer.wrote({key: 1})
                return

    return step, 2 / _RATE


class _Plain:
    """A plain driver's connection to the first of `places`, DSNs, and to the next one
    once that is fenced."""

    def __init__(self, role: str, places: list[str]) -> None:
        self._role = role
        self._places = places
        self._open()

    def _open(self) -> None:
        self.raw = _connection(self._places[0])
        self.cursor = self.raw.cursor()
        self._is_pg = self._places[0].startswith("postgresql")
        if self._role == "prepared":
            self._prepare()

    def _prepare(self) -> None:
        for name, text in (("i", _INSERT), ("u", _UPDATE)):
            made = text.replace("%s", "$1" if self._is_pg else "?")
            said = f"AS {made}" if self._is_pg else f"FROM '{made}'"
            kind = "(int)" if self._is_pg else ""
            self.cursor.execute(f"PREPARE {name}{kind} {said}")
        self.raw.commit()

    def _run(self, name: str, key: int) -> None:
        if self._role != "prepared":
            self.cursor.execute({"i": _INSERT, "u": _UPDATE}[name], (key,))
        elif self._is_pg:
            self.cursor.execute(f"EXECUTE {name}({key})")
        else:
            self.cursor.execute(f"SET @k = {key}")
            self.cursor.execute(f"EXECUTE {name} USING @k")

    def steps(self) -> Steps:
        """Return what to do with each key, and how often."""
        if self._role == "long":
            return self._long, _LONG_S + 0.2
        return self._short, 2 / _RATE

    def _short(self, writer: Writer, key: int) -> None:
        def both() -> None:
            self._run("i", key)
            self._run("u", key)

        self._committed(writer, {key: 1}, both)

    def _long(self, writer: Writer, key: int) -> None:
        keys = [key * 20 + number for number in range(15)]

        def slowly() -> None:
            for each in keys:
                self._run("i", each)
                time.sleep(_LONG_S / len(keys))

        self._committed(writer, dict.fromkeys(keys, 0), slowly)

    def _committed(
        self, writer: Writer, values: dict[int, int], what: Callable[[], None]
    ) -> None:
        while True:
            try:
                what()
            except Exception as exc:
                with suppress(Exception):
                    self.raw.rollback()
                if "moved to" in str(exc):
                    self._places.reverse()
                    self.raw.close()
                    self._open()
                elif not _is_deadlock(exc):
                    writer.said.errors.append(f"{type(exc).__name__}: {exc}")
                continue
            self.raw.commit()
            writer.wrote(values)
            return


def _is_deadlock(exc: Exception) -> bool:
    return getattr(exc, "pgcode", "") == "40P01" or exc.args[:1] == (1213,)


ROLES = (
    *("routed", "routed", "transactions", "routed"),
    *("plain", "plain", "prepared", "long"),
)
_STOPPED = 3  # which of them


class Found(NamedTuple):
    """Of one run: gaps in seconds, by what was going on, and what went wrong."""

    gaps: dict[str, float]
    writes: int
    lost: int
    doubled: int
    errors: list[str]  # of those by routedb


def run() -> list[Row]:
    """Measure; takes about half a minute for each run of a direction."""
    rows = []
    with ExitStack() as stack:
        postgresql, _ = stack.enter_context(filled_servers())
        mariadb, _ = stack.enter_context(
            filled_servers(start=start_mariadb, user="mysql")
        )
        mariadb.writer.execute("SET GLOBAL log_bin_trust_function_creators = 1")
        servers = {"pg": postgresql, "my": mariadb}
        for direction in DIRECTIONS:
            ends = [servers[each] for each in direction.split("-")]
            found = []
            for _ in range(RUNS):
                dsns = [end.writer.dsn(end.create_database()) for end in ends]
                found.append(_one(dsns, direction))
            rows += _rows(direction, found)
    return rows


def _rows(direction: str, found: list[Found]) -> list[Row]:
    made: list[Row] = []
    quiet = max(each.gaps["quiet"] for each in found) * 1e3
    for verb, engine in zip(("switch", "undo"), direction.split("-"), strict=True):
        gap = max(each.gaps[verb] for each in found) * 1e3
        note = f"longest of {RUNS} runs; {quiet:.0f} ms while nothing moves"
        title = f"moving {direction}: gap of a client at the {verb}"
        bar = None if KILLS else _BARS_MS[engine]
        made.append(Row(title, gap, "ms", bar, note))
    wrong = sum(each.lost + each.doubled for each in found)
    errors = [error for each in found for error in each.errors]
    note = f"of {sum(each.writes for each in found):,} acknowledged"
    title = f"moving {direction}: writes lost or doubled"
    made.append(Row(title, wrong, "", 0, note))
    shown = "; ".join(sorted(set(errors)))[:200]
    title = f"moving {direction}: errors of clients by routedb"
    return [*made, Row(title, len(errors), "", 0, shown)]


def _one(dsns: list[str], direction: str) -> Found:
    config = {
        # Programs that speak PostgreSQL, where it is at one of the ends.
        "default": "old" if direction == "pg-my" else "new",
        "state": "new",
        "databases": {"old": {"nodes": dsns[:1]}, "new": {"nodes": dsns[1:]}},
        "tables": {"t": "old"},
    }
    raw = _connection(dsns[0])
    cursor = raw.cursor()
    cursor.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)")
    raw.commit()
    clients = _Clients(config, dsns)
    windows = {"quiet": clients.during(lambda: time.sleep(_QUIET_S))}
    windows["start"] = clients.during(lambda: _verb("start", config))
    with clients.stopped():
        windows["switch"] = clients.during(lambda: _verb("switch", config))
    time.sleep(1)
    _verb("run", config)
    with clients.stopped():
        windows["undo"] = clients.during(lambda: _verb("undo", config))
    time.sleep(1)
    reports = clients.end()
    cursor.execute("SELECT id, v FROM t")
    rows = dict(cursor.fetchall())
    raw.close()
    return _judged(reports, rows, windows)


def _verb(verb: str, config: dict[str, Any]) -> None:
    """Do `verb` in a process of its own, as the command would, until it is done: so
    often it is killed before."""
    kills, failures = KILLS, 0
    while True:
        process = _CONTEXT.Process(target=_do, args=(verb, config))
        process.start()
        process.join(random.uniform(*_KILLED_S) if kills else None)
        if process.exitcode is None:
            process.kill()
            process.join()
            kills -= 1
        elif process.exitcode == 0:
            return
        else:  # the server may not have seen the one before die yet
            failures += 1
            if KILLS == 0 or failures > _MOST_FAILURES:
                raise RuntimeError(f"{verb} has failed")
            time.sleep(0.2)


def _do(verb: str, config: dict[str, Any]) -> None:
    more: dict[str, Any] = {"start": {"tables": ["t"], "to": "new"}}.get(verb, {})
    if verb == "run":
        more = {"seconds": 0.5}
    getattr(move, verb)(config, "gaps", **more)


class _Clients:
    """The eight processes."""

    def __init__(self, config: dict[str, Any], dsns: list[str]) -> None:
        self._processes = []
        self._pipes: list[Connection] = []
        for number, role in enumerate(ROLES):
            ours, theirs = _CONTEXT.Pipe()
            is_routed = role in ("routed", "transactions")
            place: Any = config if is_routed else list(dsns)
            process = _CONTEXT.Process(
                target=write, args=(role, number, place, theirs), daemon=True
            )
            process.start()
            self._processes.append(process)
            self._pipes.append(ours)
        for pipe in self._pipes:
            pipe.recv()
        for pipe in self._pipes:
            pipe.send("go")
        time.sleep(1)

    def during(self, what: Callable[[], object]) -> tuple[float, float]:
        """Do `what`; return when it was."""
        began = time.monotonic()
        what()
        return began, time.monotonic()

    def stopped(self) -> ExitStack:
        """Have one of them be stopped for the time of a block."""
        pid = self._processes[_STOPPED].pid
        assert pid is not None
        stack = ExitStack()
        os.kill(pid, signal.SIGSTOP)
        stack.callback(os.kill, pid, signal.SIGCONT)
        return stack

    def end(self) -> list[Report]:
        """Stop all of them; return what they say."""
        for pipe in self._pipes:
            pipe.send("over")
        reports = [pipe.recv() for pipe in self._pipes]
        for pipe in self._pipes:
            pipe.send("bye")
        for process in self._processes:
            process.join()
        return reports


def _judged(
    reports: list[Report], rows: dict[int, int], windows: dict[str, tuple[float, float]]
) -> Found:
    values = {k: v for report in reports for k, v in report.values.items()}
    unsure = {k: v for report in reports for k, v in report.unsure.items()}
    lost = sum(rows.get(k, -1) < v for k, v in values.items() if k not in unsure)
    doubled = sum(rows.get(k, -1) > v for k, v in values.items() if k not in unsure)
    doubled += len(rows.keys() - values.keys() - unsure.keys())
    doubled += sum(rows.get(k) not in allowed for k, allowed in unsure.items())
    routed = [r for n, r in enumerate(reports[:4]) if n != _STOPPED]
    gaps = {
        what: max(_longest(report.times, *window) for report in routed)
        for what, window in windows.items()
    }
    errors = [error for report in reports[:4] for error in report.errors]
    writes = sum(len(report.times) for report in reports)
    return Found(gaps, writes, lost, doubled, errors)


def _longest(times: list[float], began: float, ended: float) -> float:
    """Return the longest time between two of `times` that touches this window."""
    pairs = zip(times, times[1:], strict=False)
    return max((b - a for a, b in pairs if b >= began and a <= ended + 1), default=0.0)
