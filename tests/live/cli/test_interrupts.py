"""Ctrl-C in `routedb sql`: the server is told to stop, and what is said is true."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import pytest

from tests.live.conftest import FIXTURES
from tests.support.checkout import ROOT
from tests.support.later import later
from tests.support.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.engine_in_turn]

INTERRUPTED = 130
END = "routedb: interrupted"
ROLLED_BACK = "the open transaction was rolled back"
DONE = "the statement was done before the interrupt came"

# A text that takes a minute or for ever; how the end of it is said.
SLOW = {
    "postgresql": "INSERT INTO t SELECT 2 FROM pg_sleep(60)",
    "mariadb": "INSERT INTO t SELECT 2 + 0 * SLEEP(60)",
    "sqlite": "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 9 UNION ALL SELECT i + 1 "
    "FROM n) SELECT i FROM n WHERE i < 0",
}
SLOW_READ = {
    "postgresql": "SELECT pg_sleep(60)",
    "mariadb": "SELECT SLEEP(60) FROM t",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 9 UNION ALL SELECT i + 1 FROM n) "
    "SELECT max(i) FROM n",
}
SAID = {
    "postgresql": "QueryCanceled: canceling statement due to user request",
    "mariadb": "Query execution was interrupted",
    "sqlite": "OperationalError: interrupted",
}
RUNNING = {
    # Not only begun: a block that is to catch the cancellation has been entered.
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
    "AND state = 'active' AND wait_event = 'PgSleep'",
    "mariadb": "SELECT 1 FROM information_schema.processlist WHERE db = database() AND "
    "command = 'Query' AND id <> connection_id() AND time_ms > 100",
}


class Place(NamedTuple):
    """A database with a table t (id): its DSN, a function that runs a text there, and
    one that tells whether a statement of others is under way."""

    engine: str
    dsn: str
    execute: Callable[..., Any]
    is_busy: Callable[[], bool]

    def ids(self) -> list[int]:
        return sorted(row[0] for row in self.execute("SELECT id FROM t"))


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def place(request, tmp_path) -> Place:
    if request.param == "sqlite":
        return sqlite_place(str(tmp_path / "t.db"))
    return server_place(request, request.param)


@pytest.fixture
def pg_place(request) -> Place:
    return server_place(request, "postgresql")


def server_place(request: pytest.FixtureRequest, engine: str) -> Place:
    database = request.getfixturevalue(FIXTURES[engine])
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")

    def is_busy() -> bool:
        return bool(database.execute(RUNNING[engine]))

    return Place(engine, database.writer_dsn, database.execute, is_busy)


def sqlite_place(path: str) -> Place:
    def execute(sql: str) -> list[Any]:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as raw:
            return raw.execute(sql).fetchall()

    def is_busy() -> bool:  # it has the lock
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as raw:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
        return False

    execute("PRAGMA journal_mode = WAL")
    execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    return Place("sqlite", f"sqlite:///{path}", execute, is_busy)


def heed_interrupts() -> None:
    """Have SIGINT do in a new process what it does by default."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(place: Any, *words: str, **more: Any) -> Iterator[Any]:
    """Start `routedb sql` with these texts and options; end it at the block's end."""
    args = [word for text in words for word in _option(text)]
    # The suite itself may run where nobody interrupts, behind nohup.
    more.setdefault("preexec_fn", heed_interrupts)
    process = subprocess.Popen(
        [sys.executable, "-m", "routedb", "sql", place.dsn, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **more,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _option(text: str) -> list[str]:
    return [text] if text.startswith("--") else ["-c", text]


def interrupted(place: Place, *words: str) -> tuple[int, list[str], str]:
    """Run texts, interrupt when a statement is under way; return the exit code, the
    lines of the error stream, and the output."""
    with running(place, *words) as process:
        wait_until(place.is_busy, "a statement runs")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=40)
    # Said when the answer takes a while, as it may on a busy machine.
    lines = [line for line in err.splitlines() if not line.startswith("waiting for")]
    return process.returncode, lines, out


@pytest.mark.parametrize("option", ["--keep-going", "--format=table"])
def test_a_write_is_cancelled_and_nothing_runs_after_it(place, option):
    slow, later = SLOW[place.engine], "INSERT INTO t VALUES (3)"
    code, lines, out = interrupted(place, option, slow, later)
    assert code == INTERRUPTED
    assert SAID[place.engine] in lines[0]
    assert (lines[1:], out) == ([END], "")
    wait_until(lambda: not place.is_busy(), "it has ended on the server")
    assert place.ids() == []


@pytest.mark.parametrize("begin", ["--single-transaction", "BEGIN"])
def test_a_transaction_is_rolled_back_which_is_said(place, begin):
    # On SQLite it is the first to take the lock, by which it is seen to run.
    before = () if place.engine == "sqlite" else ("INSERT INTO t VALUES (1)",)
    texts = (begin, *before, SLOW[place.engine], "COMMIT")
    code, lines, _ = interrupted(place, *texts)
    assert code == INTERRUPTED
    assert SAID[place.engine] in lines[0]
    assert lines[1:] == [ROLLED_BACK, END]
    assert place.ids() == []


def test_a_read_in_a_transaction_is_cancelled(place):
    write = "INSERT INTO t VALUES (1)"
    code, lines, _ = interrupted(place, "BEGIN", write, SLOW_READ[place.engine])
    assert code == INTERRUPTED
    assert lines[-2:] == [ROLLED_BACK, END]
    assert place.ids() == []


def test_rows_that_are_still_computed_are_given_up(tmp_path):
    """SQLite computes them while they are fetched."""
    place = sqlite_place(str(tmp_path / "t.db"))
    rows = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT 7 UNION ALL SELECT 8 FROM n WHERE i < 0"
    )
    code, lines, _ = interrupted(place, "BEGIN", "INSERT INTO t VALUES (1)", rows)
    assert code == INTERRUPTED
    assert lines[-2:] == [ROLLED_BACK, END]


def test_who_waits_for_a_lock_is_cancelled(request):
    place = server_place(request, "mariadb")
    place.execute("INSERT INTO t VALUES (1)")
    with running(place, "BEGIN", "UPDATE t SET id = 5", SLOW_READ["mariadb"]) as holder:
        wait_until(place.is_busy, "the lock is held")
        before = len(place.execute(RUNNING["mariadb"]))
        with running(place, "UPDATE t SET id = 6") as process:
            wait_until(
                lambda: len(place.execute(RUNNING["mariadb"])) > before, "it waits"
            )
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=40)
        assert process.returncode == INTERRUPTED
        assert SAID["mariadb"] in err
        assert holder.poll() is None
    assert place.ids() == [1]


TERMINATE = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
COMMITS = {
    "a constraint that is checked at commit": (
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN PERFORM pg_sleep(60); RETURN NULL; END$$",
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY "
        "DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()",
    ),
}


LONGER = [("--single-transaction",), ("BEGIN",)]


@pytest.mark.parametrize(
    "words", [(), *(pytest.param(w, marks=pytest.mark.long) for w in LONGER)]
)
def test_a_commit_is_cancelled(pg_place, words):
    for text in COMMITS["a constraint that is checked at commit"]:
        pg_place.execute(text)
    end = ("COMMIT",) if words == ("BEGIN",) else ()
    texts = (*words, "INSERT INTO t VALUES (1)", *end)
    code, lines, _ = interrupted(pg_place, *texts)
    assert code == INTERRUPTED
    assert SAID["postgresql"] in lines[0]
    assert lines[-1] == END
    assert pg_place.ids() == []


def test_what_the_server_ends_well_in_spite_of_it_is_said_to_be_done(pg_place):
    pg_place.execute(
        "CREATE FUNCTION stubborn() RETURNS int LANGUAGE plpgsql AS $$BEGIN "
        "PERFORM pg_sleep(60); RETURN 1; "
        "EXCEPTION WHEN query_canceled THEN RETURN 2; END$$"
    )
    for _ in range(5):
        code, lines, out = interrupted(pg_place, "INSERT INTO t SELECT stubborn()")
        if lines[0] != SAID["postgresql"]:
            break
        # On a busy machine the answer takes a second; it is told again then, and ends,
        # wherever it is by then: it may say in which function.
        assert pg_place.ids() == []
    assert (code, lines) == (INTERRUPTED, [DONE, END])
    assert "1 row affected" in out
    assert pg_place.ids() == [2]


@pytest.mark.long
def test_what_a_procedure_has_committed_before_stays(pg_place):
    pg_place.execute(
        "CREATE PROCEDURE halves() LANGUAGE plpgsql AS $$BEGIN INSERT INTO t VALUES "
        "(1); COMMIT; INSERT INTO t VALUES (2); PERFORM pg_sleep(60); END$$"
    )
    code, lines, _ = interrupted(pg_place, "CALL halves()")
    assert code == INTERRUPTED
    assert SAID["postgresql"] in lines[0]
    assert pg_place.ids() == [1]


def test_a_process_that_ignores_the_signal_goes_on_doing_so(place):
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    with running(place, "BEGIN", SLOW[place.engine], preexec_fn=ignore) as process:
        wait_until(place.is_busy, "a statement runs")
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1.5)


@pytest.mark.long
@pytest.mark.chaos
def test_of_a_server_that_does_not_answer_it_says_that_it_does_not_know(request):
    place = server_place(request, "postgresql")
    server = request.getfixturevalue(FIXTURES["postgresql"]).cluster.writer
    with running(place, SLOW["postgresql"]) as process:
        wait_until(place.is_busy, "a statement runs")
        server.pause()
        try:
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline().startswith("waiting for the server")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=40)
        finally:
            server.resume()
    assert process.returncode == INTERRUPTED
    assert err.startswith("OutcomeUnknown: ")
    assert err.splitlines()[-1] == END


def test_while_a_result_is_shown_the_statement_is_said_to_be_done(tmp_path):
    place = sqlite_place(str(tmp_path / "t.db"))
    many = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
    many += "n LIMIT 50000) SELECT i FROM n RETURNING id"
    with running(place, "--format=csv", many) as process:
        wait_until(lambda: len(place.ids()) == 50000, "it is done")
        assert process.stdout.readline() == "id\n"  # the rest fills the pipe
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=40)
    assert process.returncode == INTERRUPTED
    assert err.splitlines()[-2:] == [DONE, END]


class Shards(NamedTuple):
    """Two shards on one server, with a table t (id, k) each; `dsn` is a file."""

    dsn: str
    databases: tuple[Any, Any]

    def busy(self) -> int:
        """How many shards have a statement under way."""
        return sum(bool(each.execute(RUNNING["postgresql"])) for each in self.databases)

    def rows(self) -> list[Any]:
        return [row for each in self.databases for row in each.execute("TABLE t")]


@pytest.fixture
def shards(pg, tmp_path) -> Iterator[Shards]:
    with pg.cluster.database() as more:
        for number, each in enumerate((pg, more)):
            each.execute("CREATE TABLE t (id int PRIMARY KEY, k int)")
            each.execute(f"INSERT INTO t VALUES ({number}, {number})")
        path = tmp_path / "shards.toml"
        path.write_text(
            'default = "shop"\n'
            f'[databases.shop]\nshards = [["{pg.writer_dsn}"], ["{more.writer_dsn}"]]\n'
            '[tables.t]\ndatabase = "shop"\nshard_key = "k"\nfunction = "modulo"\n'
        )
        yield Shards(str(path), (pg, more))


ON_ALL_SHARDS = {
    "a read": ("SELECT id FROM t WHERE pg_sleep(60) IS NOT NULL ORDER BY id",),
    "a write": ("UPDATE t SET id = id + 10 WHERE pg_sleep(60) IS NOT NULL",),
    "a write in a transaction": (
        "BEGIN",
        "UPDATE t SET id = id + 20",
        "DELETE FROM t WHERE pg_sleep(60) IS NOT NULL",
    ),
}


@pytest.mark.parametrize(
    "what", ["a write", *later(["a read", "a write in a transaction"])]
)
def test_what_runs_on_several_shards_is_cancelled_on_all(shards, what):
    with running(shards, *ON_ALL_SHARDS[what]) as process:
        wait_until(lambda: shards.busy() > 0, "it runs", 60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=40)
    assert process.returncode == INTERRUPTED
    assert err.splitlines()[-1] == END
    wait_until(lambda: not shards.busy(), "it has ended on both servers")
    assert shards.rows() == [(0, 0), (1, 1)]


@pytest.mark.chaos
@pytest.mark.parametrize("what", later(ON_ALL_SHARDS))
def test_a_second_ctrl_c_cuts_the_lines_to_all_shards(shards, what, postgresql):
    with running(shards, *ON_ALL_SHARDS[what]) as process:
        wait_until(lambda: shards.busy() > 0, "it runs", 60)
        postgresql.writer.pause()
        try:
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline().startswith("waiting for the server")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=40)
        finally:
            postgresql.writer.resume()
    assert process.returncode == INTERRUPTED
    assert err.splitlines()[-1] == END
    assert "Traceback" not in err
    for database in shards.databases:  # a server does not look at a line that is cut
        database.execute(TERMINATE)
    assert shards.rows() == [(0, 0), (1, 1)]
