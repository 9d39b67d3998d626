"""Parameters on their way in, values on their way out."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

import routedb
from tests.frontends.home import Home

WORDS = "Ünïcödé, 'quotes', \"double\", back\\slash, 100 % and 🦆"
DAY = datetime.date(2024, 2, 29)
CLOCK = datetime.time(23, 59, 58)
MOMENT = datetime.datetime(2024, 2, 29, 23, 59, 58)
# Column of `kinds` -> values that must come back as they went in.
VALUES: dict[str, list[object]] = {
    "words": [WORDS, "", " ", "%", "%s", "%%", "%(name)s", "?", ":name", "--", "\n\t"],
    "raw": [bytes(range(256)), b"", b"\0", b"%s", b"'\\"],
    "part": [0.5, -1e300, 3],
    "price": [Decimal("12345678901234.56789"), Decimal("-0.00001")],
    "day": [DAY],
    "clock": [CLOCK],
    "moment": [MOMENT],
}
ONE = [(column, value) for column, values in VALUES.items() for value in values]
# Text and parameters -> the row; what each of the styles means.
TEXTS = {
    "a sequence": ("SELECT %s, %s", ("a", "b"), ("a", "b")),
    "a list": ("SELECT %s, %s", ["a", "b"], ("a", "b")),
    "names": ("SELECT %(x)s, %(y)s", {"x": "a", "y": "b"}, ("a", "b")),
    "a name twice": ("SELECT %(x)s, %(x)s", {"x": "a"}, ("a", "a")),
    "names nobody asks for": ("SELECT %(x)s", {"x": "a", "y": "b"}, ("a",)),
    "an escape beside a sequence": ("SELECT '100%%', %s", ("a",), ("100%", "a")),
    "an escape beside names": ("SELECT '%%(x)s', %(x)s", {"x": "a"}, ("%(x)s", "a")),
    "no parameters": ("SELECT '100%', '%s', '%%'", None, ("100%", "%s", "%%")),
    "a text in bytes": (b"SELECT %s", ("a",), ("a",)),
    "bytes of no parameters": ("SELECT 'ü'".encode(), None, ("ü",)),
}
REFUSED = {
    "too few": ("SELECT %s, %s", ("a",)),
    "too many": ("SELECT %s", ("a", "b")),
    "none": ("SELECT %s", ()),
    "a name that is missing": ("SELECT %(x)s", {"y": "a"}),
    "a sequence for names": ("SELECT %(x)s", ("a",)),
    "a number for a sequence": ("SELECT %s", 5),
}


def plain(home: Home, value):
    """Return what the engine stores: SQLite has no dates and no decimals."""
    if home.engine == "sqlite" and isinstance(value, Decimal | datetime.time):
        return str(value)
    return value


def seen(home: Home, value):
    """Return what the engine gives back for it."""
    if home.engine == "sqlite" and isinstance(value, datetime.date):
        return value.isoformat(*" " * isinstance(value, datetime.datetime))
    if home.engine == "mysql" and isinstance(value, datetime.time):
        return (
            datetime.datetime.combine(datetime.date.min, value) - datetime.datetime.min
        )
    if home.engine == "sqlite" and isinstance(value, Decimal | datetime.time):
        return str(value)
    return value


@pytest.mark.parametrize(("column", "value"), ONE)
@pytest.mark.filterwarnings("ignore:The default date:DeprecationWarning")
def test_a_value_comes_back_as_it_went_in(home: Home, cursor, column, value):
    given = plain(home, value)
    cursor.execute(f"INSERT INTO kinds ({column}) VALUES (%s)", (given,))
    cursor.execute(f"SELECT {column} FROM kinds WHERE {column} = %s", (given,))
    [(found,)] = cursor.fetchall()
    found = bytes(found) if isinstance(found, memoryview) else found
    assert found == seen(home, value)


@pytest.mark.parametrize("column", VALUES)
def test_none_is_null(cursor, column):
    cursor.execute(f"INSERT INTO kinds ({column}) VALUES (%s)", (None,))
    cursor.execute(f"SELECT {column} FROM kinds WHERE {column} IS NULL")
    assert list(cursor.fetchall()) == [(None,)]


@pytest.mark.parametrize("style", TEXTS)
def test_parameters_in_every_style(cursor, style):
    sql, parameters, row = TEXTS[style]
    cursor.execute(sql, parameters)
    assert list(cursor.fetchall()) == [row]


@pytest.mark.parametrize("autocommit", [False, True])
@pytest.mark.parametrize("way", REFUSED)
def test_parameters_that_do_not_fit_are_refused(connection, cursor, way, autocommit):
    connection.autocommit = autocommit
    cursor.execute("SELECT id FROM t")
    with pytest.raises(routedb.ProgrammingError):
        cursor.execute(*REFUSED[way])
    connection.rollback()
    cursor.execute("SELECT id FROM t WHERE id = %s", (1,))
    assert cursor.fetchone() == (1,)


def test_a_value_that_the_driver_cannot_send_is_refused(home: Home, cursor):
    value = object()
    if home.engine == "mysql":  # mysqlclient sends the str() of what it does not know
        cursor.execute("SELECT %s", (value,))
        assert cursor.fetchone() == (str(value),)
        return
    with pytest.raises(routedb.ProgrammingError):
        cursor.execute("SELECT %s", (value,))


@pytest.mark.parametrize("rows", [[(10, "x"), (11, None), (12, "z")], []])
@pytest.mark.parametrize("make", [list, tuple, iter])
def test_executemany_runs_once_for_each_row(home: Home, connection, rows, make):
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO t VALUES (%s, %s)", make(rows))
    connection.commit()
    assert home.rows()[5:] == rows


def test_executemany_counts_all_rows(home: Home, cursor):
    rows = [(10, "x"), (11, "y"), (12, "z")]
    cursor.executemany("INSERT INTO t VALUES (%s, %s)", rows)
    # psycopg2 tells of the last one only in a loop of its own: 2.9 sums them up.
    assert cursor.rowcount == 3
    cursor.executemany("UPDATE t SET name = %s WHERE id > %s", [("p", 3), ("q", 10)])
    assert cursor.rowcount == 7


def test_executemany_takes_names(home: Home, connection):
    rows = [{"id": 10, "name": "x"}, {"id": 11, "name": "y"}]
    connection.cursor().executemany("INSERT INTO t VALUES (%(id)s, %(name)s)", rows)
    connection.commit()
    assert home.rows()[5:] == [(10, "x"), (11, "y")]


def test_executemany_that_fails_midway_leaves_nothing_after_rollback(home, connection):
    rows = [(10, "x"), (1, "taken"), (11, "y")]
    with pytest.raises(routedb.IntegrityError):
        connection.cursor().executemany("INSERT INTO t VALUES (%s, %s)", rows)
    connection.rollback()
    assert len(home.rows()) == 5
