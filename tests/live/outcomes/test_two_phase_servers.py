"""Servers die in the middle of transfers between two databases: at each step of a
commit, and at any moment. Each transfer leaves its name on both sides, or on none.

`ROUTEDB_CAMPAIGN_RUNS=500` makes as many runs as that of each pair of kinds, and a
twentieth of it with a synchronous replica that is promoted:

    ROUTEDB_CAMPAIGN_RUNS=500 pytest -s -m long -k "any_moment or promoted" FILE
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import routedb
from routedb.engine.transactions import several
from routedb.session.two_phase import Step
from tests.support.later import later
from tests.support.servers import Cluster, wait_until
from tests.support.two_banks import PAIRS, Banks, banks

pytestmark = [pytest.mark.live, pytest.mark.chaos]

THREADS = 4
RUNS = int(os.environ.get("ROUTEDB_CAMPAIGN_RUNS", "10"))
PROMOTIONS = max(1, RUNS // 20)
STEPS = [Step.PREPARE, Step.WRITE_ROW, Step.COMMIT, Step.COMMIT_PREPARED]
CHOSEN = ["PostgreSQL, PostgreSQL", "PostgreSQL, MariaDB"]
CHOSEN += ["MariaDB, MariaDB", "PostgreSQL, SQLite"]


class Killed:
    """A bank whose transfers have names, and the servers that its databases are on."""

    def __init__(
        self, bank: Banks, kinds: tuple[str, str], clusters: dict[str, Cluster]
    ) -> None:
        self.bank = bank
        self.clusters = clusters
        self.names = sorted({*kinds} & clusters.keys())
        self.told: dict[str, str] = {}
        for name in "ab":
            bank.run[name](f"CREATE TABLE log_{name} (id varchar(40) PRIMARY KEY)")
            bank.source["tables"][f"log_{name}"] = name
            bank.source["databases"][name]["failover_timeout"] = "20s"
        bank.set_up()

    def kill(self, kind: str) -> None:
        """End a server at once, and start it again."""
        server = self.clusters[kind].writer
        server.kill()
        server.start()

    def start(self) -> None:
        """Have the writers run."""
        for cluster in self.clusters.values():
            cluster.writer.start()

    def transfer(self, connection: Any, name: str, account: int) -> None:
        """Transfer under a name, and keep what was told of it."""
        word = "done"
        try:
            self.bank.transfer(connection, 1, account)
            cursor = connection.cursor()
            for place in "ab":
                cursor.execute(f"INSERT INTO log_{place} VALUES (%s)", (name,))
            connection.commit()
        except routedb.OutcomeUnknown:
            word = "unknown"
        except routedb.Error:
            word = "lost"
        self.told[name] = word
        with suppress(routedb.Error):
            connection.rollback()

    def check(self) -> dict[str, int]:
        """Recover, compare what is there with what was told; return how often each
        word was."""
        self.start()
        wait_until(self._is_recovered, "all branches are finished", 60)
        logged = [self._log(name) for name in "ab"]
        assert logged[0] == logged[1]
        left, come = self.bank.moved
        assert left == come == len(logged[0])
        words = {word: self._told(word) for word in ("done", "lost", "unknown")}
        assert words["done"] <= logged[0]
        assert not words["lost"] & logged[0]
        assert logged[0] <= self.told.keys()
        return {word: len(names) for word, names in words.items()}

    def ends(self, tellers: list[threading.Thread]) -> bool:
        """Tell whether all have ended. They may wait for rows that are prepared, so
        recover meanwhile, whether they commit or not."""
        for teller in tellers:
            teller.join(0.5)
        if any(teller.is_alive() for teller in tellers):
            with self.bank.recovery() as recovery:
                recovery.round(1.0)
            return False
        return True

    def _is_recovered(self) -> bool:
        with self.bank.recovery() as recovery:
            found = recovery.round(0.0)
            return not recovery.troubles and all(each.finished for each in found)

    def _log(self, name: str) -> set[str]:
        return {
            str(row[0]) for row in self.bank.run[name](f"SELECT id FROM log_{name}")
        }

    def _told(self, word: str) -> set[str]:
        return {name for name, said in self.told.items() if said == word}


class Promoted(Killed):
    """Banks on PostgreSQL alone, whose replica has all that was acknowledged, and is
    promoted when its writer dies. That one is the next one's replica."""

    def __init__(self, bank: Banks, cluster: Cluster) -> None:
        self.server, self.replica = cluster.nodes[:2]
        databases = {name: _name_of(bank, name) for name in "ab"}
        for name, database in databases.items():
            bank.run[name] = partial(self._run, database)
            dsns = [node.dsn(database) for node in cluster.nodes[:2]]
            bank.source["databases"][name]["nodes"] = dsns
        super().__init__(bank, ("pg", "pg"), {"pg": cluster})

    def _run(self, database: str, sql: str) -> Any:
        return self.server.execute(sql, dbname=database)

    def start(self) -> None:
        """Nothing: the old writer stays away, the new one runs."""

    def kill(self, kind: str) -> None:
        """End the writer, and promote the replica."""
        self.server.kill()
        self.replica.promote()
        self.server, self.replica = self.replica, self.server

    def follow(self) -> None:
        """Make a replica of the server that is no writer any more."""
        self.replica.copy(self.server)

    def synchronize(self) -> None:
        """Have the writer answer a commit when the replica has it."""
        words = f"ALTER SYSTEM SET synchronous_standby_names = '{self.replica.name}'"
        ask = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        server = self.server
        server.execute(words)
        server.execute("SELECT pg_reload_conf()")
        wait_until(lambda: server.execute(ask) == [(1,)], "the replica is synchronous")


def _name_of(bank: Banks, name: str) -> str:
    [(database,)] = bank.run[name]("SELECT current_database()")
    return str(database)


@contextmanager
def promoted_in(cluster: Cluster, folder: Path) -> Iterator[Promoted]:
    """Make such banks; the cluster is as it was, behind it."""
    with banks(("pg", "pg"), {"pg": cluster}, folder) as made:
        promoted = Promoted(made, cluster)
        cluster.wait_replayed()
        try:
            yield promoted
        finally:
            cluster.restore()


@pytest.fixture
def killed(request, name, tmp_path):
    kinds = PAIRS[name]
    wanted = {"pg": "postgresql", "my": "mariadb"}
    clusters = {k: request.getfixturevalue(wanted[k]) for k in kinds if k in wanted}
    with banks(kinds, clusters, tmp_path) as made:
        yield Killed(made, kinds, clusters)


def once(step: Step, moment: str, act: Callable[[], None]) -> Callable[..., None]:
    """Return a step that calls `act` before or after it, the first time."""
    do, acts = several._DO[step], [act]

    def done(*args: Any) -> None:
        if moment == "before" and acts:
            acts.pop()()
        do(*args)
        if moment == "after" and acts:
            acts.pop()()

    return done


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", CHOSEN)
def test_a_server_that_dies_at_any_step_leaves_all_or_nothing(killed, name):
    cases = list(product(STEPS, ("before", "after"), killed.names))
    for number, (step, moment, kind) in enumerate(cases):
        connection = killed.bank.connect()
        with pytest.MonkeyPatch.context() as patch:
            act = lambda kind=kind: killed.kill(kind)  # noqa: E731
            patch.setitem(several._DO, step, once(step, moment, act))
            killed.transfer(connection, f"{number}", 1)
        with suppress(routedb.Error):
            connection.close()
        killed.check()
    print(f"{name}: {len(cases)} steps, {killed.check()}")


@pytest.mark.timeout(600 + 30 * RUNS)
@pytest.mark.parametrize("name", later(CHOSEN))
def test_servers_that_die_at_any_moment_leave_all_or_nothing(killed, name):
    rng = random.Random(name)
    for run in range(RUNS):
        play(killed, run, rng)
        words = killed.check()
        print(f"{name}: {run + 1} runs, {words}", flush=True)
    assert words["done"] > 0


@pytest.mark.timeout(600 + 120 * PROMOTIONS)
@pytest.mark.long
def test_a_synchronous_replica_that_is_promoted_has_all_or_nothing(
    postgresql, tmp_path
):
    rng = random.Random(1)
    with promoted_in(postgresql, tmp_path) as promoted:
        for run in range(PROMOTIONS):
            if run:
                promoted.follow()
            promoted.synchronize()
            play(promoted, run, rng)
            words = promoted.check()
            print(f"promotions: {run + 1} runs, {words}", flush=True)
    assert words["done"] > 0


def play(killed: Killed, run: int, rng: random.Random) -> None:
    """Have four threads transfer, and kill a server meanwhile."""
    stop = threading.Event()
    troubles: list[BaseException] = []
    tellers = [
        threading.Thread(target=_tell, args=(killed, f"{run}-{n}", n, stop, troubles))
        for n in range(THREADS)
    ]
    for teller in tellers:
        teller.start()
    stop.wait(0.1 + rng.random() / 2)
    killed.kill(rng.choice(killed.names))
    stop.wait(0.1 + rng.random() / 2)
    stop.set()
    wait_until(lambda: killed.ends(tellers), "all have ended", 120)
    assert troubles == []


def _tell(
    killed: Killed,
    name: str,
    number: int,
    stop: threading.Event,
    troubles: list[BaseException],
) -> None:
    connection: Any = None
    step = 0
    try:
        while not stop.is_set():
            step += 1
            if connection is None:
                with suppress(routedb.Error):
                    connection = killed.bank.connect()
            if connection is not None:
                killed.transfer(connection, f"{name}-{step}", number + 1)
        if connection is not None:
            connection.close()
    except routedb.Error:  # a link that is gone
        return
    except BaseException as exc:
        troubles.append(exc)
