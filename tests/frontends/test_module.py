"""PEP 249: the module's attributes, exceptions, type objects and constructors."""

from __future__ import annotations

import datetime
import sqlite3
import time

import MySQLdb
import psycopg2
import pytest

import routedb
from tests.frontends.home import Home

TREE = {
    "Warning": Exception,
    "Error": Exception,
    "InterfaceError": routedb.Error,
    "DatabaseError": routedb.Error,
    "DataError": routedb.DatabaseError,
    "OperationalError": routedb.DatabaseError,
    "IntegrityError": routedb.DatabaseError,
    "InternalError": routedb.DatabaseError,
    "ProgrammingError": routedb.DatabaseError,
    "NotSupportedError": routedb.DatabaseError,
}
# The kind that the description of a column of `kinds` must compare equal to; SQLite
# has none, as its columns have no types.
COLUMNS = {
    "id": routedb.NUMBER,
    "words": routedb.STRING,
    "price": routedb.NUMBER,
    "day": routedb.DATETIME,
    "clock": routedb.DATETIME,
    "moment": routedb.DATETIME,
    "raw": routedb.BINARY,
    "part": routedb.NUMBER,
}
DRIVERS = {"postgresql": psycopg2, "mysql": MySQLdb, "sqlite": sqlite3}
KINDS = (routedb.STRING, routedb.BINARY, routedb.NUMBER, routedb.DATETIME)


def test_the_module_says_what_it_is():
    said = (routedb.apilevel, routedb.threadsafety, routedb.paramstyle)
    assert said == ("2.0", 2, "pyformat")
    assert callable(routedb.connect)


@pytest.mark.parametrize("name", TREE)
def test_an_exception_stands_in_its_place_in_the_tree(name):
    assert getattr(routedb, name).__bases__ == (TREE[name],)


@pytest.mark.parametrize("name", TREE)
def test_a_connection_shows_its_drivers_exceptions(name, connection, home: Home):
    """So `except connection.Error` means what it did; what is raised is also ours."""
    assert getattr(connection, name) is getattr(DRIVERS[home.engine], name)


def test_constructors_make_what_the_drivers_take():
    assert routedb.Date(2024, 2, 29) == datetime.date(2024, 2, 29)
    assert routedb.Time(23, 59, 58) == datetime.time(23, 59, 58)
    moment = routedb.Timestamp(2024, 2, 29, 23, 59, 58)
    assert moment == datetime.datetime(2024, 2, 29, 23, 59, 58)
    assert routedb.Binary(b"a\0b") == b"a\0b"


def test_constructors_from_ticks_speak_of_local_time():
    ticks = time.mktime((2024, 2, 29, 23, 59, 58, 0, 0, -1))
    assert routedb.DateFromTicks(ticks) == datetime.date(2024, 2, 29)
    assert routedb.TimeFromTicks(ticks) == datetime.time(23, 59, 58)
    moment = datetime.datetime(2024, 2, 29, 23, 59, 58)
    assert routedb.TimestampFromTicks(ticks) == moment


def test_type_objects_differ_from_one_another():
    assert len({*KINDS, routedb.ROWID}) == len(KINDS) + 1
    assert all((one == other) is (one is other) for one in KINDS for other in KINDS)
    assert repr(routedb.NUMBER) == "<routedb type NUMBER>"


def test_the_description_compares_with_the_type_objects(home: Home, cursor):
    cursor.execute("SELECT * FROM kinds")
    codes = {column[0]: column[1] for column in cursor.description}
    assert list(codes) == list(COLUMNS)
    for name, kind in COLUMNS.items():
        equal = [each for each in KINDS if each == codes[name]]
        assert equal == ([] if home.engine == "sqlite" else [kind]), name
