"""What kind of fault an exception tells: by SQLSTATE, by number, by libpq's text."""

from __future__ import annotations

import MySQLdb
import psycopg2
import psycopg2.errors
import pytest

from routedb import adapters
from routedb.errors import Fault
from tests.support.drivers import MODULES


class Open:
    """A psycopg2 connection, as far as a fault asks of it."""

    closed = 0

    def __init__(self, standby: str | None = "on") -> None:
        self._standby = standby

    def get_parameter_status(self, name: str) -> str | None:
        return {"in_hot_standby": self._standby}[name]


class Gone:
    """A psycopg2 connection that has lost its server."""

    closed = 2


def coded(code: str) -> psycopg2.Error:
    """Return psycopg2's exception for a SQLSTATE."""
    try:
        kind = psycopg2.errors.lookup(code)
    except KeyError:
        kind = psycopg2.DatabaseError
    exc = kind("told")
    exc.__setstate__({"pgcode": code})
    return exc


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("25006", Fault.NODE_READ_ONLY),
        ("57P01", Fault.LINK_LOST),
        ("57P02", Fault.LINK_LOST),
        ("57P03", Fault.NODE_STARTING),
        ("57P05", Fault.LINK_LOST),
        ("25P03", Fault.LINK_LOST),
        ("08006", Fault.LINK_LOST),
        ("08P01", Fault.LINK_LOST),
        ("40001", Fault.CONFLICT),
        ("40P01", Fault.CONFLICT),
        ("53300", Fault.OVERLOAD),
        ("55P03", Fault.TIMEOUT),
        ("57014", Fault.TIMEOUT),
        ("RD001", Fault.MOVED),
        ("42P01", Fault.MISSING),
        ("42703", Fault.MISSING),
        ("42883", Fault.MISSING),
        ("42704", Fault.MISSING),
        ("3F000", Fault.MISSING),
        ("42501", Fault.MISSING),
        ("23505", Fault.STATEMENT),
        ("42601", Fault.STATEMENT),
        ("25P02", Fault.STATEMENT),
        ("XX000", Fault.STATEMENT),
    ],
)
def test_postgresql_is_known_by_its_sqlstate(code, fault):
    assert adapters.load("postgresql").fault(coded(code), Open()) is fault


@pytest.mark.parametrize(
    ("standby", "fault"),
    [
        ("on", Fault.NODE_READ_ONLY),
        ("off", Fault.STATEMENT),  # the session was told to write nothing
        (None, Fault.NODE_READ_ONLY),  # before PostgreSQL 14
    ],
)
def test_a_refused_write_is_the_fault_of_a_replica_only(standby, fault):
    assert adapters.load("postgresql").fault(coded("25006"), Open(standby)) is fault


@pytest.mark.parametrize(
    ("raw", "fault"),
    [(Open(), Fault.STATEMENT), (Gone(), Fault.LINK_LOST), (None, Fault.REFUSED)],
)
def test_without_a_sqlstate_the_link_tells(raw, fault):
    exc = psycopg2.OperationalError("server closed the connection unexpectedly")
    assert adapters.load("postgresql").fault(exc, raw) is fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("FATAL:  the database system is starting up", Fault.NODE_STARTING),
        ("FATAL:  the database system is shutting down", Fault.NODE_STARTING),
        ("FATAL:  sorry, too many clients already", Fault.OVERLOAD),
        ('FATAL:  too many connections for role "app"', Fault.OVERLOAD),
        ('FATAL:  password authentication failed for user "u"', Fault.STATEMENT),
        ("fe_sendauth: no password supplied", Fault.STATEMENT),
        ('FATAL:  role "u" does not exist', Fault.STATEMENT),
        ('FATAL:  no pg_hba.conf entry for host "h"', Fault.STATEMENT),
        ("Connection refused\n\tIs the server running", Fault.REFUSED),
        ('could not translate host name "h" to address', Fault.REFUSED),
        (
            'connection to server on socket "/run/.s.PGSQL.5432" failed: No such file '
            "or directory",
            Fault.REFUSED,
        ),
        ("timeout expired", Fault.REFUSED),
    ],
)
def test_a_failed_connect_is_known_by_libpq_s_text(text, fault):
    exc = psycopg2.OperationalError(text)
    assert adapters.load("postgresql").fault(exc, None) is fault


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (1836, Fault.NODE_READ_ONLY),
        (1205, Fault.TIMEOUT),
        (3024, Fault.TIMEOUT),
        (1969, Fault.TIMEOUT),
        (1213, Fault.CONFLICT),
        (2006, Fault.LINK_LOST),
        (2013, Fault.LINK_LOST),
        (1927, Fault.LINK_LOST),
        (1053, Fault.LINK_LOST),
        (1040, Fault.OVERLOAD),
        (1203, Fault.OVERLOAD),
        (1146, Fault.MISSING),
        (1054, Fault.MISSING),
        (1305, Fault.MISSING),
        (1049, Fault.MISSING),
        (1142, Fault.MISSING),
        (1062, Fault.STATEMENT),
        (1792, Fault.STATEMENT),
        (1064, Fault.STATEMENT),
    ],
)
def test_mysql_is_known_by_its_number(number, fault):
    exc = MySQLdb.OperationalError(number, "told")
    assert adapters.load("mysql").fault(exc, object()) is fault


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ("--read-only", Fault.NODE_READ_ONLY),
        ("--super-read-only", Fault.NODE_READ_ONLY),
        ("--secure-file-priv", Fault.STATEMENT),
        ("--skip-grant-tables", Fault.STATEMENT),
    ],
)
def test_of_what_an_option_of_mysql_prevents_its_name_tells(option, fault):
    said = f"The server is running with the {option} option so it cannot execute this"
    exc = MySQLdb.OperationalError(1290, said)
    assert adapters.load("mysql").fault(exc, object()) is fault


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (2002, Fault.REFUSED),
        (2003, Fault.REFUSED),
        (2005, Fault.REFUSED),
        (2013, Fault.REFUSED),
        (2006, Fault.REFUSED),
        (1053, Fault.NODE_STARTING),
        (1040, Fault.OVERLOAD),
        (1045, Fault.STATEMENT),
        (1049, Fault.STATEMENT),
    ],
)
def test_a_failed_connect_to_mysql_sent_nothing(number, fault):
    exc = MySQLdb.OperationalError(number, "told")
    assert adapters.load("mysql").fault(exc, None) is fault


@pytest.mark.parametrize("engine", [*MODULES, "fake"])
@pytest.mark.parametrize("exc", [ValueError("x"), KeyboardInterrupt(), Exception()])
def test_what_is_not_of_the_driver_is_the_statement_s(engine, exc):
    assert adapters.load(engine).fault(exc, None) is Fault.STATEMENT


def test_an_error_of_mysqlclient_without_a_number_is_the_statement_s():
    adapter = adapters.load("mysql")
    assert adapter.fault(MySQLdb.ProgrammingError(), object()) is Fault.STATEMENT
    assert adapter.fault(MySQLdb.InterfaceError(0, ""), object()) is Fault.LINK_LOST
