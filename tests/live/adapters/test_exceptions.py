"""One exception, caught by the driver's class and by routedb's, with all it holds."""

from __future__ import annotations

import pickle
import sqlite3

import MySQLdb
import psycopg2
import psycopg2.errors
import pytest

import routedb
from routedb import adapters, errors
from routedb.adapters import fake
from routedb.adapters.translate import NAMES
from tests.support.drivers import MODULES, Home


def violation(home: Home, raw) -> BaseException:
    """Insert a key twice, and return the adopted error."""
    home.write(raw, 1)
    with pytest.raises(home.driver.Error) as caught:
        home.write(raw, 1)
    return home.adapter.adopt(caught.value)


def test_a_broken_constraint_is_caught_by_both_names(home, raw):
    exc = violation(home, raw)
    assert home.adapter.adopt(exc) is exc
    for kind in (routedb.IntegrityError, home.driver.IntegrityError, routedb.Error):
        with pytest.raises(kind):
            raise exc
    assert home.adapter.fault(exc, raw) is errors.Fault.STATEMENT


@pytest.mark.live
@pytest.mark.parametrize("home", ["postgresql"], indirect=True)
def test_what_psycopg2_tells_of_an_error_stays(home, raw):
    exc = violation(home, raw)
    assert isinstance(exc, psycopg2.errors.UniqueViolation)
    assert (exc.pgcode, exc.diag.constraint_name) == ("23505", "t_pkey")
    assert "Key (id)=(1) already exists" in str(exc)
    assert type(exc).__name__ == "UniqueViolation"


@pytest.mark.live
@pytest.mark.parametrize("home", ["mysql"], indirect=True)
def test_what_mysqlclient_tells_of_an_error_stays(home, raw):
    exc = violation(home, raw)
    assert exc.args == (1062, "Duplicate entry '1' for key 'PRIMARY'")


@pytest.mark.parametrize("home", ["sqlite"], indirect=True)
def test_what_sqlite3_tells_of_an_error_stays(home, raw):
    exc = violation(home, raw)
    assert exc.args == ("UNIQUE constraint failed: t.id",)


@pytest.mark.parametrize("engine", [*MODULES, "fake"])
@pytest.mark.parametrize("name", NAMES)
def test_each_class_of_pep_249_has_its_counterpart(engine, name):
    adapter = adapters.load(engine)
    module = MODULES.get(engine, fake)
    theirs, ours = getattr(module, name), getattr(errors, name)
    adopted = adapter.adopt(theirs("told"))
    assert isinstance(adopted, ours)
    assert isinstance(adopted, theirs)
    assert (str(adopted), type(adopted).__name__) == ("told", theirs.__name__)
    assert adapter.adopt(adopted) is adopted


@pytest.mark.parametrize("engine", MODULES)
def test_other_exceptions_stay_what_they_are(engine):
    for exc in (ValueError("mine"), errors.ConfigError("ours")):
        kind = type(exc)
        assert adapters.load(engine).adopt(exc) is exc
        assert type(exc) is kind


@pytest.mark.parametrize(
    ("engine", "ours", "theirs"),
    [
        ("postgresql", errors.CrossDatabaseError, psycopg2.Error),
        ("postgresql", errors.TransactionLost, psycopg2.OperationalError),
        ("mysql", errors.TransactionLost, MySQLdb.OperationalError),
        ("sqlite", errors.OutcomeUnknown, sqlite3.OperationalError),
    ],
)
def test_an_error_of_ours_is_also_the_driver_s(engine, ours, theirs):
    adapter = adapters.load(engine)
    kind = adapter.error_class(ours)
    assert issubclass(kind, ours)
    assert issubclass(kind, theirs)
    assert adapter.error_class(ours) is kind
    assert kind.__name__ == ours.__name__


def test_an_adopted_error_can_be_pickled(home, raw):
    exc = violation(home, raw)
    copy = pickle.loads(pickle.dumps(exc))
    assert isinstance(copy, routedb.IntegrityError)
    assert isinstance(copy, home.driver.IntegrityError)
    assert copy.args == exc.args
    assert getattr(copy, "pgcode", None) == getattr(exc, "pgcode", None)


def test_an_error_of_our_own_can_be_pickled(home):
    exc = home.adapter.error_class(routedb.TransactionLost)("gone")
    copy = pickle.loads(pickle.dumps(exc))
    assert isinstance(copy, routedb.TransactionLost)
    assert isinstance(copy, home.driver.OperationalError)
    assert copy.args == ("gone",)
