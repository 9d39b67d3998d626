"""Statements of PostgreSQL's dialect on tables that are all in MariaDB, or in SQLite:
answers are PostgreSQL's, what is written is what PostgreSQL would have stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import pytest

import routedb

COLUMNS = {
    "mysql": "id int AUTO_INCREMENT PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x' "
    "COLLATE utf8mb4_general_ci, n int, price decimal(8,2), part double, day date, "
    "at datetime(3), small tinyint unsigned, latin varchar(9) CHARACTER SET latin1",
    "sqlite": "id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT x COLLATE NOCASE, "
    "n BIGINT, part REAL",
    "postgresql": "id serial PRIMARY KEY, name text NOT NULL DEFAULT 'x', n int, "
    "price numeric(8,2), part float8, day date, at timestamp(3), small smallint, "
    "latin text",
}


class Old(NamedTuple):
    """A routed connection whose table `far` is on another engine, and what is behind
    it; `one` is PostgreSQL with the same table."""

    routed: Any
    cluster: Any
    raw: Any
    one: Any
    engine: str

    def run(self, sql: str, params: Any = None) -> tuple[Any, ...]:
        """Return what is seen of a statement: rows, types, count, tag; or its error."""
        return _seen(self.routed.cursor(), sql, params)

    def stored(self) -> list[tuple[Any, ...]]:
        """Return what the table has, past routedb."""
        cursor = self.raw.cursor()
        cursor.execute("SELECT * FROM far ORDER BY id")
        rows = [tuple(row) for row in cursor.fetchall()]
        self.raw.commit()
        return rows

    def same(self, sql: str, params: Any = None) -> tuple[Any, ...]:
        """Check that both answer alike; return the answer."""
        got = self.run(sql, params)
        assert got == _seen(self.one.cursor(), sql, params), sql
        return got


def _seen(cursor: Any, sql: str, params: Any) -> tuple[Any, ...]:
    try:
        cursor.execute(sql, params)
    except routedb.CrossDatabaseError:
        raise
    except psycopg2.Error as exc:
        kinds = (psycopg2.IntegrityError, psycopg2.DataError, psycopg2.ProgrammingError)
        return tuple(kind.__name__ for kind in kinds if isinstance(exc, kind))
    rows, types = None, None
    if cursor.description is not None:
        rows = [
            tuple((type(value).__name__, repr(value)) for value in row)
            for row in cursor.fetchall()
        ]
        types = [(each[0], each[1]) for each in cursor.description]
    return rows, types, cursor.rowcount, getattr(cursor, "statusmessage", None)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _old(engine: str, stack: ExitStack, postgresql: Any, theirs: str) -> Old:
    ours = stack.enter_context(postgresql.database()).writer_dsn
    source = {
        "default": "main",
        "databases": {"main": {"nodes": [ours]}, "old": {"nodes": [theirs]}},
        "tables": {"far": "old", "nokey": "old"},
    }
    raw = stack.enter_context(closing(routedb.connect(theirs)))
    raw.cursor().execute(f"CREATE TABLE far ({COLUMNS[engine]})")
    raw.commit()
    one = stack.enter_context(closing(psycopg2.connect(ours)))
    one.autocommit = True
    one.cursor().execute(f"CREATE TABLE far ({COLUMNS['postgresql']})")
    one.cursor().execute(
        "CREATE TABLE other (id int PRIMARY KEY, n int, what text); "
        "INSERT INTO other VALUES (0, 1, 'a'), (1, 2, 'b'), (3, NULL, 'c')"
    )
    cluster = stack.enter_context(closing(routedb.Cluster(source)))
    routed = stack.enter_context(closing(cluster.connect(autocommit=True)))
    return Old(routed, cluster, raw, one, engine)


@pytest.fixture
def my_old(stack, postgresql, mariadb) -> Old:
    theirs = stack.enter_context(mariadb.database()).writer_dsn
    return _old("mysql", stack, postgresql, theirs)


@pytest.fixture
def lite_old(stack, postgresql, tmp_path: Path) -> Old:
    return _old("sqlite", stack, postgresql, f"sqlite:///{tmp_path}/old.db")


MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678500)
INSERT = "INSERT INTO far (name, n) VALUES"
# Statements in their order, with their parameters. Each is run on both sides.
BOTH: list[tuple[str, Any]] = [
    (f"{INSERT} (%s, %s) RETURNING far.id, name || '!' AS called", ("a'b\\c%", 5)),
    (f"{INSERT} ('B', 1), ('b', NULL), ('é ', 2), ('', -7) RETURNING id, *", None),
    (f"{INSERT} (DEFAULT, 7 + 1), (DEFAULT, length('abc')) RETURNING name", None),
    ("INSERT INTO far DEFAULT VALUES RETURNING id", None),
    ("INSERT INTO far (n) SELECT g * 10 FROM generate_series(1, 3) g", None),
    (
        "INSERT INTO far (name, n) SELECT p0::varchar, p1::integer FROM (VALUES "
        "(%(a)s, %(b)s, 0), ('q', 3, 1)) AS imp(p0, p1, sen) ORDER BY sen "
        "RETURNING far.id, far.id AS again",
        {"a": "k", "b": 1},
    ),
    ("SELECT * FROM far ORDER BY id", None),
    ("SELECT id, name FROM far WHERE name = 'b'", None),
    ("SELECT id FROM far WHERE name IN (%s, %s) ORDER BY id", ("B", "é ")),
    ('SELECT "far"."id" FROM "far" WHERE "far"."name" ILIKE %s ORDER BY 1', ("B",)),
    ("SELECT id FROM far WHERE name LIKE 'B%%' ORDER BY id", ()),
    ("SELECT name, count(*) FROM far GROUP BY name ORDER BY name COLLATE \"C\"", None),
    ("SELECT DISTINCT lower(name) AS low FROM far ORDER BY low COLLATE \"C\"", None),
    ("SELECT n / 2 AS half, n %% 2 AS odd, -n / 2 FROM far ORDER BY id", ()),
    ("SELECT id FROM far ORDER BY n, id LIMIT 2 OFFSET %s", (1,)),
    ("SELECT id FROM far ORDER BY n DESC, id", None),
    ("SELECT n::text || '#', (n > 3) AS many FROM far ORDER BY id", None),
    ("SELECT count(*), sum(n), avg(n), max(name COLLATE \"C\") FROM far", None),
    ("SELECT id FROM far WHERE n = ANY(%s) ORDER BY id", ([1, 5],)),
    ("SELECT a.id, b.id FROM far a JOIN far b ON a.n = b.id ORDER BY 1, 2", None),
    ("SELECT id FROM far WHERE n = 1 ORDER BY id FOR UPDATE", None),
    ("SELECT id FROM far t WHERE n = 1 ORDER BY id FOR NO KEY UPDATE OF t", None),
    ("UPDATE far SET n = n + 1, name = name || %s WHERE n >= %s", ("-u", 1)),
    ("UPDATE far AS f SET part = f.n / 3.0 WHERE f.n IS NOT NULL", None),
    ("UPDATE far SET n = '12' WHERE name = 'B-u' RETURNING id, n, part", None),
    ("UPDATE far SET n = NULL WHERE id IN (SELECT max(id) FROM far)", None),
    ("UPDATE far SET part = 0.1 + 0.2 WHERE name LIKE '%%u' AND n %% 2 = 0", ()),
    ("UPDATE far SET n = 1 WHERE false", None),
    ("SELECT id, name, n, part FROM far ORDER BY id", None),
    ("DELETE FROM far f WHERE f.name = 'x' AND f.n > 5 RETURNING f.id, upper(name)", ())
    ,
    ("DELETE FROM far WHERE n = %(n)s", {"n": 2}),
    # What is there already is left as it is.
    ("INSERT INTO far (id, n) VALUES (2, 0), (70, 1), (70, 2), (71, 3) "
     "ON CONFLICT DO NOTHING", None),
    ("INSERT INTO far (id, n) VALUES (%s, 7), (72, 4) ON CONFLICT (id) DO NOTHING "
     "RETURNING id, n", (70,)),
    ("INSERT INTO far (id) SELECT g FROM generate_series(70, 73) g "
     "ON CONFLICT DO NOTHING RETURNING far.id", None),
    ("INSERT INTO far (id) VALUES (70) ON CONFLICT DO NOTHING RETURNING id", None),
    ("INSERT INTO far (id, name) VALUES (70, NULL) ON CONFLICT DO NOTHING", None),
    # Or it is updated.
    ("INSERT INTO far AS f (id, name, n, part) VALUES (%s, %s, 5, 0.1), "
     "(80, 'v', 2, NULL) ON CONFLICT (id) DO UPDATE SET n = coalesce(f.n, 0) + "
     "excluded.n, name = excluded.name || f.name, part = excluded.part "
     "RETURNING f.id, n, name, part", (70, "a'b\\c%é")),
    ("INSERT INTO far (id, n) SELECT g, g FROM generate_series(70, 74) g ON CONFLICT "
     "(id) DO UPDATE SET n = excluded.n WHERE far.n IS DISTINCT FROM excluded.n AND "
     "excluded.n < %s", (73,)),
    ("INSERT INTO far (id, n) VALUES (70, 1), (71, 2) ON CONFLICT (id) DO UPDATE "
     "SET n = far.n + 1 WHERE false RETURNING id", None),
    ("INSERT INTO far (id, n) VALUES (90, 1), (90, 2) ON CONFLICT (id) DO UPDATE "
     "SET n = 3", None),
    ("INSERT INTO far (id, n) VALUES (70, 2) ON CONFLICT (id) DO UPDATE "
     "SET n = n + 1", None),
    ("INSERT INTO far (id, n) VALUES (70, 2) ON CONFLICT (id) DO UPDATE "
     "SET nothing = 1", None),
    ("INSERT INTO far (id, n) VALUES (70, 2) ON CONFLICT (id) DO UPDATE "
     "SET name = NULL", None),
    ("INSERT INTO far (id, n) VALUES (70, 2) ON CONFLICT (id) DO UPDATE "
     "SET n = excluded.nothing", None),
    ("SELECT id, name, n, part FROM far ORDER BY id", None),
    ("DELETE FROM far WHERE id IN (74, 80)", None),
    # Other tables, and the same one, tell of the rows.
    ("UPDATE far SET n = o.n + %s, name = o.what FROM other o WHERE o.id = far.id - 70 "
     "AND o.n IS NOT NULL", (100,)),
    ("UPDATE far f SET n = f.n + g.n FROM far g JOIN other ON other.n = g.id - 70 "
     "WHERE f.id = g.id + 1", None),
    ("UPDATE far SET n = 5 FROM other WHERE far.id = 72", None),  # each row once
    ("DELETE FROM far f USING other AS o, far g WHERE f.n = o.n + 100 AND g.id = f.id",
     None),
    ("UPDATE far SET n = nothing.n FROM other WHERE other.id = far.id", None),
    ("SELECT id, name, n, part FROM far ORDER BY id", None),
    # Errors of the one are errors of the other.
    (f"{INSERT} (NULL, 1)", None),
    (f"{INSERT} ('a', 'x')", None),
    (f"{INSERT} ('a', true)", None),
    (f"{INSERT} ('a')", None),
    (f"{INSERT} ('a', 1, 2)", None),
    ("INSERT INTO far (nothing) VALUES (1)", None),
    ("INSERT INTO far (n, n) VALUES (1, 2)", None),
    ("UPDATE far SET nothing = 1", None),
    ("UPDATE far SET name = NULL", None),
    ("INSERT INTO far (id) SELECT min(id) FROM far", None),
    ("SELECT nothing FROM far", None),
    ("SELECT * FROM far WHERE name = 1", None),
    ("SELECT id, name, n, part FROM far ORDER BY id", None),
    ("DELETE FROM far", None),
]  # fmt: skip


@pytest.mark.parametrize("old", ["my_old", "lite_old"])
@pytest.mark.parametrize("autocommit", [True, False])
def test_all_is_as_postgresql_has_it(request, old, autocommit):
    made: Old = request.getfixturevalue(old)
    connection = made.cluster.connect(autocommit=autocommit)
    has_all = made.engine == "mysql"
    for sql, params in BOTH:
        if not has_all and ("DEFAULT, 7" in sql or "*" in sql.split("FROM")[0]):
            continue  # SQLite has fewer columns, and no DEFAULT in a row
        got = _seen(connection.cursor(), sql, params)
        expected = _seen(made.one.cursor(), sql, params)
        if made.engine == "sqlite" and got[1:2] != (None,) and len(got) == 4:
            got, expected = (_without_widths(each) for each in (got, expected))
        assert got == expected, sql
        if not autocommit:
            (connection.commit if len(got) > 1 else connection.rollback)()
    assert made.stored() == []


def _without_widths(seen: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return an answer as it is where an `int` is a `bigint`."""
    rows, types, *rest = seen
    widths = {20: 23, 1700: 23}
    types = types and [(name, widths.get(oid, oid)) for name, oid in types]
    rows = rows and [
        [re.sub(r"\w+\('|'\)", "", each[1]) for each in row] for row in rows
    ]
    return rows, types, rest


TYPES = "INSERT INTO far (price, part, day, at, small, latin) VALUES"
VALUES = (Decimal("1234.565"), 1e-300, date(2024, 2, 29), MOMENT, 255, "é")


def test_values_are_stored_as_postgresql_stores_them(my_old):
    columns = "price, part, day, at, small, latin"
    my_old.same(f"{TYPES} (%s, %s, %s, %s, %s, %s) RETURNING {columns}", VALUES)
    my_old.same(f"{TYPES} ('1.005', 5, %s, '2024-01-02', 2.5, 7) RETURNING {columns}",
                (MOMENT,))  # fmt: skip
    rows = my_old.stored()
    assert rows[0][3:] == (Decimal("1234.57"), 1e-300, date(2024, 2, 29),
                           datetime(2024, 1, 2, 3, 4, 5, 679000), 255, "é")  # fmt: skip
    assert rows[1][3:5] == (Decimal("1.01"), 5.0)
    assert rows[1][5:] == (date(2024, 1, 2), datetime(2024, 1, 2), 3, "7")


NOT_STORED = [
    ("small", 256, routedb.DataError),
    ("small", -1, routedb.DataError),
    ("name", "x" * 21, routedb.DataError),
    ("latin", "中", routedb.DataError),
    ("price", Decimal("NaN"), routedb.CrossDatabaseError),
    ("part", float("inf"), routedb.CrossDatabaseError),
    ("part", "-0.0", routedb.CrossDatabaseError),
    ("day", "0044-03-15 BC", routedb.CrossDatabaseError),
    ("day", "infinity", routedb.CrossDatabaseError),
    ("at", "10000-01-01", routedb.CrossDatabaseError),
    ("id", 0, routedb.CrossDatabaseError),
    ("id", None, routedb.IntegrityError),
]


@pytest.mark.parametrize("mode", ["", "STRICT_ALL_TABLES"])
def test_what_the_column_cannot_hold_is_never_another_value(my_old, mode):
    with my_old.routed.using("old"):
        my_old.routed.cursor().execute(f"SET SESSION sql_mode = '{mode}'")
    for column, value, error in NOT_STORED:
        with pytest.raises(error):
            my_old.routed.cursor().execute(
                f"INSERT INTO far ({column}) VALUES (%s)", (value,)
            )
        if column != "id":
            my_old.routed.cursor().execute("INSERT INTO far (n) VALUES (1)")
            with pytest.raises(error):
                my_old.routed.cursor().execute(
                    f"UPDATE far SET {column} = %s", (value,)
                )
            my_old.routed.cursor().execute("DELETE FROM far")
    assert my_old.stored() == []


REFUSED = [
    "INSERT INTO far (n) VALUES (1) ON CONFLICT (id) DO UPDATE SET n = 2",
    "INSERT INTO far (id, n) VALUES (1, 1) ON CONFLICT (n) DO UPDATE SET n = 2",
    "INSERT INTO far (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET n = excluded.n",
    "INSERT INTO far (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 5",
    "INSERT INTO far (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET (n, at) = (1, 2)",
    "INSERT INTO far (n) VALUES (1) ON CONFLICT (n) DO NOTHING",
    "INSERT INTO far (n) VALUES (1) ON CONFLICT ON CONSTRAINT a DO NOTHING",
    "UPDATE far SET (n, name) = (1, 'x')",
    "UPDATE far SET n = DEFAULT",
    "UPDATE far SET n = o.n FROM other o",  # which of several?
    "UPDATE far SET n = o.n FROM other o WHERE o.id = 1 RETURNING o.n",
    "UPDATE far SET id = id + 1",
    "DELETE FROM far USING far o WHERE far.id = o.id RETURNING o.id",
    "DELETE FROM ONLY far",
    "WITH x AS (SELECT 1) DELETE FROM far",
    "INSERT INTO far (n) VALUES (nextval('numbers'))",
    "UPDATE far SET n = 1 WHERE random() > 0.5",
    "SELECT id FROM far FOR UPDATE SKIP LOCKED",
    "SELECT id FROM far WHERE random() > 0.5",
    "DELETE FROM nokey",
    "SELECT ifnull(n, 1) FROM far",  # a function that PostgreSQL does not know
    "COPY far TO STDOUT",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_not_certain_is_refused_by_name(my_old, sql):
    my_old.raw.cursor().execute("CREATE TABLE IF NOT EXISTS nokey (n int)")
    my_old.routed.cursor().execute("INSERT INTO far (n) VALUES (1)")
    before = my_old.stored()
    with pytest.raises((routedb.CrossDatabaseError, routedb.NotSupportedError)):
        my_old.routed.cursor().execute(sql)
    assert my_old.stored() == before


def test_as_written_where_the_database_is_chosen(my_old):
    my_old.run("INSERT INTO far (name) VALUES ('B')")
    sql = "SELECT `id`, IFNULL(n, 7) FROM far WHERE name = 'b'"
    with my_old.routed.using("old"):
        assert my_old.run(sql)[0] == [(("int", "1"), ("int", "7"))]
    assert my_old.run(f"/* routedb: database=old */ {sql}")[2] == 1


def test_what_is_unique_is_the_engines_to_say_and_other_errors_are_errors(
    my_old, mariadb
):
    cursor = my_old.raw.cursor()
    cursor.execute("CREATE UNIQUE INDEX names ON far (name)")
    cursor.execute("ALTER TABLE far ADD CONSTRAINT few CHECK (n < 100)")
    insert = "INSERT INTO far (id, name, n) VALUES (%s, %s, %s) ON CONFLICT"
    my_old.run(f"{insert} DO NOTHING", (1, "b", 1))
    for row in ((1, "c", 1), (2, "B", 1)):
        assert my_old.run(f"{insert} DO NOTHING", row)[2] == 0
    for row in ((2, "B", 1), (3, "d", 100)):  # another index, another constraint
        with pytest.raises(routedb.Error):
            my_old.routed.cursor().execute(f"{insert} (id) DO NOTHING", row)
    with closing(mariadb.writer.connect()) as admin:
        trust = "SET GLOBAL log_bin_trust_function_creators ="
        admin.cursor().execute(f"{trust} 1")
        cursor.execute(
            "CREATE TRIGGER t BEFORE INSERT ON far FOR EACH ROW SET NEW.n = 2"
        )
        admin.cursor().execute(f"{trust} 0")
    with pytest.raises(routedb.CrossDatabaseError, match="which has triggers"):
        my_old.routed.cursor().execute(f"{insert} DO NOTHING", (4, "e", 1))
    assert [row[0] for row in my_old.stored()] == [1]


def test_many_sets_of_parameters_are_one_transaction(my_old):
    cursor = my_old.routed.cursor()
    cursor.executemany("INSERT INTO far (n) VALUES (%s)", [(1,), (2,), (3,)])
    assert cursor.rowcount == 3
    with pytest.raises(routedb.DataError):
        cursor.executemany("UPDATE far SET n = %s", [(4,), ("x",)])
    cursor.executemany("UPDATE far SET n = n + %s WHERE id = %s", [(10, 1), (20, 2)])
    assert [row[2] for row in my_old.stored()] == [11, 22, 3]


def test_a_failed_statement_leaves_the_transaction_as_one_database_would(my_old):
    connection = my_old.cluster.connect()
    cursor = connection.cursor()
    cursor.execute("INSERT INTO far (n) VALUES (1)")
    with pytest.raises(routedb.IntegrityError):
        cursor.execute("INSERT INTO far (id) VALUES (50), (51), (50)")
    connection.rollback()
    assert my_old.stored() == []


def test_rows_that_are_changed_are_locked_and_as_they_are_now(my_old):
    my_old.run("INSERT INTO far (n) VALUES (1)")
    connection = my_old.cluster.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT n FROM far")  # of a snapshot that is kept
    assert cursor.fetchall() == [(1,)]
    my_old.run("UPDATE far SET n = 10")
    cursor.execute("UPDATE far SET n = n + 1")
    other = my_old.raw.cursor()
    other.execute("SET innodb_lock_wait_timeout = 1")
    with pytest.raises(routedb.OperationalError):
        other.execute("UPDATE far SET n = 0")
    my_old.raw.rollback()
    connection.commit()
    assert my_old.stored()[0][2] == 11


def test_one_row_of_the_other_engine_is_moved(my_old):
    one = my_old.one.cursor()
    one.execute("CREATE TABLE orders (id int PRIMARY KEY, n int, who text)")
    one.execute("INSERT INTO orders SELECT g, g, 'w' || g FROM generate_series(1, 9) g")
    sql = "INSERT INTO far (n, name) SELECT g, 'w' || g FROM generate_series(1, 500) g"
    my_old.run(sql)
    cursor = my_old.routed.cursor()
    for on in ("USING (n)", "ON o.who = f.name"):
        cursor.execute(
            f"SELECT f.id FROM orders o JOIN far f {on} WHERE o.id = %s", (5,)
        )
        assert cursor.fetchall() == [(5,)]
        rows = {run.database: run.rows for run in cursor.route.fragments}
        assert rows == {"main": 1, "old": 1}
    cursor.execute("SELECT o.id FROM orders o JOIN far f USING (n) WHERE f.name = 'w7'")
    assert cursor.fetchall() == [(7,)]
    assert {run.rows for run in cursor.route.fragments} == {1}


@pytest.mark.parametrize("old", ["my_old", "lite_old"])
def test_explain_has_what_each_server_says_in_its_own_words(request, old):
    made: Old = request.getfixturevalue(old)
    its = {"mysql": "table=routedb_t", "sqlite": "SCAN routedb_t"}[made.engine]
    for sql in (
        "SELECT f.id FROM far f JOIN other o ON o.n = f.n",
        "SELECT id FROM far",
    ):
        cursor = made.routed.cursor()
        cursor.execute(f"EXPLAIN {sql}")
        text = "\n".join(line for (line,) in cursor.fetchall())
        assert [column[0] for column in cursor.description] == ["QUERY PLAN"]
        assert text.count(" says") == 1 + ("JOIN" in sql)
        assert its in text
        assert ("Seq Scan on other" in text) == ("JOIN" in sql)
