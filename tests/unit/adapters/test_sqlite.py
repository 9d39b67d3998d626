"""SQLite: pyformat texts, files that are taken away, locks, functions."""

from __future__ import annotations

import os
import sqlite3

import pytest

from routedb import errors
from routedb.adapters.base import TxMode
from routedb.adapters.sqlite.sqlite3 import ADAPTER
from routedb.errors import Fault
from routedb.topology import Role
from tests.support.drivers import node


@pytest.fixture
def file(sqlite_dir):
    return sqlite_dir / "t.db"


@pytest.fixture
def raw(file):
    raw = ADAPTER.connect(node(f"sqlite:///{file}"), 5.0)
    ADAPTER.run(raw, "CREATE TABLE t (id int PRIMARY KEY, name text)")
    yield raw
    ADAPTER.close(raw)


def asked(raw, sql, parameters=None):
    cursor = ADAPTER.cursor(raw)
    cursor.execute(sql, parameters)
    return cursor.fetchall()


@pytest.mark.parametrize(
    ("sql", "parameters", "row"),
    [
        ("SELECT %s, %s", (1, "a"), (1, "a")),
        ("SELECT %s, %s", [1, "a"], (1, "a")),
        ("SELECT %(a)s, %(b)s, %(a)s", {"a": 1, "b": 2, "c": 3}, (1, 2, 1)),
        ("SELECT 7 %% %s", (4,), (3,)),
        ("SELECT '%s', %s", (1,), ("%s", 1)),
        ("SELECT 'it''s %(a)s', %(a)s", {"a": 1}, ("it's %(a)s", 1)),
        ("SELECT 'a%%' LIKE %s", ("a%",), (1,)),
        ("SELECT '50%', %s", (1,), ("50%", 1)),
        ("SELECT '?', %s", (1,), ("?", 1)),
        ("SELECT /* %s */ %s -- %s", (1,), (1,)),
        ("SELECT %s -- don't\n, '%s'", (1,), (1, "%s")),
        ('SELECT %s AS "%s"', (1,), (1,)),
        ("SELECT %s AS [%s], 2 AS `%s`", (1,), (1, 2)),
        ("SELECT '%s'", None, ("%s",)),
        ("SELECT 7 % 4", None, (3,)),
        ("SELECT '100%'", (), ("100%",)),
        (b"SELECT %s", (1,), (1,)),
        ("SELECT ?, ?", (1, 2), (1, 2)),
        ("SELECT :a", {"a": 1}, (1,)),
    ],
)
def test_pyformat_is_translated_outside_quotes_and_comments(raw, sql, parameters, row):
    assert asked(raw, sql, parameters) == [row]


@pytest.mark.parametrize(
    ("sql", "parameters", "text"),
    [
        ("SELECT %s, %(a)s", {"a": 1}, "mixed in one statement"),
        ("SELECT %d", (1,), "unsupported format character 'd'"),
        ("SELECT %", (1,), "unsupported format character ''"),
        ("SELECT %(a)s", (1,), "parameters must be a mapping, not tuple"),
        ("SELECT %(a)s", {"b": 1}, "no value for parameter 'a'"),
    ],
)
def test_a_text_that_cannot_be_translated_says_why(raw, sql, parameters, text):
    with pytest.raises(errors.ProgrammingError) as caught:
        asked(raw, sql, parameters)
    assert text in str(caught.value)


@pytest.mark.parametrize("parameters", [(), (1,), (1, 2, 3)])
def test_a_wrong_number_of_parameters_is_sqlite_s_error(raw, parameters):
    with pytest.raises(sqlite3.ProgrammingError):
        asked(raw, "SELECT %s, %s", parameters)


@pytest.mark.parametrize(
    "sql", ["INSERT INTO t VALUES (%s, %s)", b"INSERT INTO t VALUES (?, ?)"]
)
def test_many_rows_are_written_with_one_text(raw, sql):
    cursor = ADAPTER.cursor(raw)
    cursor.executemany(sql, iter([(1, "a"), (2, "b")]))
    assert cursor.rowcount == 2
    cursor.executemany("INSERT INTO t VALUES (%(i)s, 'c')", [{"i": 3}])
    assert asked(raw, "SELECT id FROM t") == [(1,), (2,), (3,)]


def test_there_are_no_stored_procedures(raw):
    with pytest.raises(errors.NotSupportedError, match="no stored procedures"):
        ADAPTER.cursor(raw).callproc("p")


def test_a_file_that_is_taken_away_makes_the_link_dead(raw, file):
    assert ADAPTER.is_alive(raw)
    os.rename(file, f"{file}.gone")
    assert not ADAPTER.is_alive(raw)
    with pytest.raises(sqlite3.OperationalError) as caught:
        ADAPTER.probe(raw)
    assert ADAPTER.fault(caught.value, raw) is Fault.LINK_LOST


def test_another_file_in_its_place_makes_the_link_dead_too(raw, file):
    other = sqlite3.connect(f"{file}.other")
    other.execute("CREATE TABLE t (id)")
    other.close()
    os.replace(f"{file}.other", file)
    assert not ADAPTER.is_alive(raw)


def test_a_file_that_is_opened_read_only_is_a_replica(raw, file):
    reader = ADAPTER.connect(node(f"sqlite:///{file}?mode=ro"), 5.0)
    roles = [ADAPTER.probe(each).role for each in (raw, reader)]
    assert roles == [Role.WRITER, Role.REPLICA]
    assert ADAPTER.probe(reader)[1:5] == (sqlite3.sqlite_version, None, None, 0.0)
    with pytest.raises(sqlite3.OperationalError) as caught:
        ADAPTER.run(reader, "INSERT INTO t VALUES (1, 'a')")
    assert ADAPTER.fault(caught.value, reader) is Fault.NODE_READ_ONLY
    ADAPTER.close(reader)


def test_a_lock_that_another_holds_is_a_timeout(raw, file):
    other = ADAPTER.connect(node(f"sqlite:///{file}"), 0.0)
    ADAPTER.run(raw, "BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked") as caught:
        ADAPTER.run(other, "INSERT INTO t VALUES (1, 'a')")
    assert ADAPTER.fault(caught.value, other) is Fault.TIMEOUT
    ADAPTER.rollback(raw)
    ADAPTER.run(other, "INSERT INTO t VALUES (1, 'a')")
    ADAPTER.close(other)


@pytest.mark.parametrize("where", ["no/such/folder/t.db", "gone.db?mode=rw"])
def test_a_file_that_cannot_be_opened_is_refused(sqlite_dir, where):
    with pytest.raises(sqlite3.OperationalError) as caught:
        ADAPTER.connect(node(f"sqlite:///{sqlite_dir}/{where}"), 1.0)
    assert ADAPTER.fault(caught.value, None) is Fault.REFUSED


def test_what_is_no_database_is_the_statement_s_own_error(file):
    file.write_bytes(b"no database at all" * 100)
    raw = ADAPTER.connect(node(f"sqlite:///{file}"), 1.0)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        ADAPTER.probe(raw)
    assert ADAPTER.fault(caught.value, raw) is Fault.STATEMENT
    ADAPTER.close(raw)


def test_a_closed_connection_is_a_lost_link(raw):
    ADAPTER.close(raw)
    with pytest.raises(sqlite3.ProgrammingError) as caught:
        ADAPTER.run(raw, "SELECT 1")
    assert ADAPTER.fault(caught.value, raw) is Fault.LINK_LOST


def test_functions_of_the_application_may_do_anything(raw):
    raw.create_function("mine", 0, lambda: 1)
    known = {n: ADAPTER.volatility(raw, n, None) for n in ("LOWER", "mine", "nope")}
    assert known == {"LOWER": False, "mine": True, "nope": None}


def test_a_read_only_mode_is_taken_back_by_the_next(raw):
    ADAPTER.set_mode(raw, TxMode(autocommit=True, read_only=True))
    assert ADAPTER.run(raw, "PRAGMA query_only") == [(1,)]
    ADAPTER.set_mode(raw, TxMode(autocommit=True))
    assert ADAPTER.run(raw, "PRAGMA query_only") == [(0,)]


def test_a_connection_may_be_used_from_any_thread_and_in_autocommit(file):
    options = "check_same_thread=true&timeout=3"
    raw = ADAPTER.connect(node(f"sqlite:///{file}?{options}", isolation_level=""), 5.0)
    assert raw.isolation_level is None
    ADAPTER.close(raw)
