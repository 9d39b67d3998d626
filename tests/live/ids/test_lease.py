"""Numbers that are borrowed from a table: SQLite, PostgreSQL, MariaDB."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import closing

import pytest

import routedb
from routedb.ids import Generator, Lease, parts
from routedb.numbering.layout import EPOCH_MS
from routedb.numbering.lending import DDL, TABLE


@pytest.fixture(params=["sqlite", "pg", "my"])
def source(request, tmp_path):
    """The DSN of a database without the table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ids.db"
    return request.getfixturevalue(request.param).writer_dsn


def run(source, sql):
    with closing(routedb.connect(source)) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
        connection.commit()
        return rows


def test_each_has_a_number_of_its_own_and_keeps_it(source):
    first, second = Generator(Lease(source)), Generator(Lease(source))
    keys = [*first.take(3), *second.take(3), *first.take(3)]
    assert [parts(key).node for key in keys] == [0] * 3 + [1] * 3 + [0] * 3
    assert len(set(keys)) == 9
    [(now_ms,)] = run(source, f"SELECT max(until_ms) - 120000 FROM {TABLE}")
    assert abs((keys[-1] >> 22) + EPOCH_MS - now_ms) < 60_000


def test_a_number_whose_time_is_over_is_borrowed_by_the_next(source):
    gone = Generator(Lease(source)).next()
    [(until_ms,)] = run(source, f"SELECT until_ms FROM {TABLE}")
    assert (gone >> 22) + EPOCH_MS < until_ms
    run(source, f"UPDATE {TABLE} SET until_ms = until_ms - 200000")
    follower = Generator(Lease(source))
    key = follower.next()
    assert parts(key).node == 0
    [(later_ms,)] = run(source, f"SELECT until_ms FROM {TABLE}")
    assert (key >> 22) + EPOCH_MS < later_ms


def test_who_was_stopped_for_too_long_gets_another_number(source):
    stopped = Generator(Lease(source, seconds=1))
    before = stopped.next()
    run(source, f"UPDATE {TABLE} SET until_ms = until_ms + 600000, holder = 'other'")
    borrowed = stopped._borrowed
    assert borrowed is not None
    stopped._borrowed = borrowed._replace(until_ms=borrowed.from_ms)  # it is over
    after = stopped.next()
    assert (parts(before).node, parts(after).node) == (0, 1)
    assert after > before


def make(source, count):
    return Generator(Lease(source)).take(count)


def test_processes_that_begin_at_once_make_no_key_twice(source):
    run(source, DDL)  # SQLite's lock is for one that makes it
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        found = pool.starmap(make, [(source, 200)] * 6)
    keys = [key for each in found for key in each]
    assert len(set(keys)) == 6 * 200
    assert len({parts(key).node for key in keys}) == 6


def test_a_forked_child_borrows_its_own(source):
    ids = Generator(Lease(source))
    mine = parts(ids.next()).node
    child = os.fork()
    if child == 0:
        os._exit(10 + parts(ids.next()).node)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert (mine, code) == (0, 11)


def test_all_numbers_are_lent(source):
    run(source, DDL)
    run(source, f"INSERT INTO {TABLE} VALUES (1023, 'other', 99999999999999)")
    with pytest.raises(routedb.OperationalError, match="all 1024 numbers"):
        Generator(Lease(source)).next()


def test_without_the_right_to_make_the_table_it_is_said_what_to_run(pg):
    pg.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    pg.execute(
        "DO $$ BEGIN CREATE ROLE idless LOGIN PASSWORD 'idless'; "
        "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )
    port = pg.cluster.writer.port
    source = f"postgresql://idless:idless@127.0.0.1:{port}/{pg.name}"
    with pytest.raises(
        routedb.ProgrammingError, match="run CREATE TABLE IF NOT"
    ) as hit:
        Generator(Lease(source)).next()
    assert "permission denied" in str(hit.value.__cause__)


def test_a_lease_that_is_short():
    with pytest.raises(ValueError, match=r"0\.5 s"):
        Lease("sqlite:///x.db", seconds=0.5)
