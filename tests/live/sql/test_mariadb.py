"""A real MariaDB says which words are names, and what a READ ONLY transaction takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import MySQLdb
import pytest

from routedb.sql import classify

SYNTAX_ERRORS = {1064, 1149}
REFUSED_WHEN_READ_ONLY = 1792

# A place for a word, and the tables there are when it is a name.
MODELS = (
    ("SELECT * FROM {0}", "{0}"),
    ("SELECT * FROM {0} t, b", "{0} b"),
    ("SELECT * FROM a JOIN {0} ON true JOIN b", "a {0} b"),
    ("SELECT * FROM a AS {0}, b", "a b"),
    ("SELECT * FROM a {0}, b", "a b"),
    ("SELECT {0}.x, x AS {0} FROM {0}, b", "{0} b"),
    ("SELECT {0} FROM a, b WHERE {0} = (SELECT {0} FROM c)", "a b c"),
    ("WITH {0} AS (SELECT x FROM a) SELECT * FROM {0}, b", "a b"),
    ("INSERT INTO a ({0}) SELECT y FROM b", "a b"),
    ("UPDATE a, {0} SET a.x = 1", "a {0}"),
    ("DELETE {0} FROM {0} JOIN b", "{0} b"),
)
NO_NAMES = {"dual"}  # a FROM without a table


@pytest.fixture
def cursor(my) -> Iterator[MySQLdb.cursors.Cursor]:
    writer = my.cluster.writer
    with closing(
        MySQLdb.connect(
            host=writer.host,
            port=writer.port,
            user=writer.user,
            password=writer.password,
            database=my.name,
            autocommit=True,
        )
    ) as connection:
        yield connection.cursor()


def takes(cursor, sql):
    """Tell whether the server's grammar takes the text."""
    try:
        cursor.execute("PREPARE p FROM %s", (sql,))
    except MySQLdb.Error as error:
        return error.args[0] not in SYNTAX_ERRORS
    cursor.execute("DEALLOCATE PREPARE p")
    return True


def test_a_keyword_is_a_name_where_mariadb_takes_it_for_one(cursor):
    cursor.execute("SELECT lower(word) FROM information_schema.keywords")
    words = {word for (word,) in cursor.fetchall() if word.isidentifier()} - NO_NAMES
    judged = 0
    for word in sorted(words):
        for model, tables in MODELS:
            sql = model.format(word)
            if takes(cursor, sql):
                judged += 1
                names = {str(table) for table in classify(sql, "mysql").tables}
                assert names == set(tables.format(word).split()), sql
    assert judged > 1000


READS = (
    "SELECT * FROM a, b AS c WHERE a.x = c.x",
    "TABLE a",
    "VALUES (1), (2)",
    "(SELECT x FROM a) UNION (SELECT x FROM b) ORDER BY 1 LIMIT 1, 2",
    "WITH q AS (SELECT x FROM a) SELECT * FROM q",
    "SELECT /*! SQL_NO_CACHE */ x FROM a",
    "ANALYZE SELECT * FROM a",
    "SET STATEMENT max_statement_time = 5 FOR SELECT * FROM a",
    "SET STATEMENT max_statement_time = 5 FOR SHOW TABLES",
    'EXPLAIN FORMAT="json" SELECT * FROM a',
    "SHOW CREATE TABLE a",
    "DESCRIBE a",
)
OTHERS = (
    "EXPLAIN DELETE FROM a",
    "SELECT x FROM a FOR UPDATE",
    "SELECT NEXT VALUE FOR s",
    "SELECT nextval(s)",
    "SET STATEMENT max_statement_time = 5 FOR DELETE FROM a",
    "ANALYZE FORMAT=JSON UPDATE a SET x = 1",
    "/*!50000 DELETE */ FROM a",
    "/*M!100000 DELETE FROM a */",
    "WITH q AS (SELECT 1) SELECT x FROM a FOR UPDATE",
    "INSERT INTO a SELECT * FROM b",
    "REPLACE a VALUES (1)",
    "DELETE HISTORY FROM a",
    "ANALYZE TABLE a",
    "DROP TEMPORARY TABLE IF EXISTS a",
    "BEGIN NOT ATOMIC DELETE FROM a; END",
    "IF 1 THEN DELETE FROM a; END IF",
    "CASE 1 WHEN 1 THEN DELETE FROM a; END CASE",
    "FOR i IN 1..2 DO DELETE FROM a; END FOR",
    "REPEAT DELETE FROM a; UNTIL 1 END REPEAT",
    'EXPLAIN FORMAT="json" INSERT INTO a VALUES (1)',
    "SELECT DEFAULT(y) FROM d",
    "EXECUTE IMMEDIATE 'DELETE FROM a'",
    "DO (SELECT nextval(s))",
)


def test_what_is_a_plain_read_runs_when_nothing_may_be_written(cursor):
    for table in "ab":
        cursor.execute(f"CREATE TABLE {table} (x int)")
    cursor.execute("CREATE SEQUENCE s")
    cursor.execute("CREATE TABLE d (y int DEFAULT nextval(s))")
    cursor.execute("INSERT INTO d VALUES (1)")
    cursor.execute("SET SESSION TRANSACTION READ ONLY")
    refused = []
    for sql in READS + OTHERS:
        try:
            cursor.execute(sql)
            cursor.fetchall()
        except MySQLdb.Error as error:
            if error.args[0] == REFUSED_WHEN_READ_ONLY:
                refused.append(sql)
    plain = [sql for sql in READS + OTHERS if classify(sql, "mysql").read_only]
    assert plain == list(READS)
    assert set(refused) <= set(OTHERS)
    assert len(refused) > len(OTHERS) // 2
