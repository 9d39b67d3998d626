"""MariaDB's statements that hold others: blocks, loops, SET STATEMENT."""

from __future__ import annotations

import pytest

from routedb.sql import classify
from routedb.sql.scanner.splitter import split

from .seen import seen


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("SELECT x FROM a", "plain read: a"),
        ("(SELECT x FROM a)", "plain read: a"),
        ("TABLE a", "plain read: a"),
        ("WITH q AS (SELECT 1) SELECT * FROM q, a", "plain read: a"),
        ("SELECT x FROM a FOR UPDATE", "lock: a"),
        ("INSERT INTO a VALUES (1)", "write: +a"),
        ("REPLACE a VALUES (1)", "write: +a"),
        ("UPDATE a SET x = 1", "write: +a"),
        ("DELETE FROM a FOR PORTION OF p FROM 1 TO 2", "write: +a"),
        ("CALL p(1)", "call"),
        ("SHOW TABLES", "plain read"),
        ("SHOW CREATE TABLE a", "plain read: a"),
        ("EXPLAIN SELECT * FROM a", "plain explain: a"),
        ("ANALYZE UPDATE a SET x = 1", "write: +a"),
        ("CREATE TABLE a (x int)", "ddl: +a; tx commit"),
        ("COMMIT", "transaction; tx commit"),
        ("SET @v = 1", "session; session variable"),
        ("SET STATEMENT c = 1 FOR SELECT x FROM a", "plain read: a"),
        ("BEGIN NOT ATOMIC DELETE FROM a; END", "write: +a"),
        ("IF 1 THEN DELETE FROM a; END IF", "write: +a"),
        ("LOCK TABLES a WRITE", "lock: a; tx commit; session lock"),
        ("NO SUCH THING", "unknown"),
    ],
)
def test_set_statement_is_the_statement_that_it_is_for(inner, expected):
    sql = f"SET STATEMENT max_statement_time = 1, sql_mode = 'ANSI' FOR {inner}"
    assert seen(sql, "mysql") == expected
    assert classify(sql, "mysql").settings == ()


def test_what_a_setting_of_one_statement_asks_counts():
    sql = "SET STATEMENT sort_buffer_size = (SELECT x FROM b) FOR SELECT 1"
    assert seen(sql, "mysql") == "plain read: b"
    assert seen("SET STATEMENT a = nextval(s) FOR SELECT 1", "mysql").startswith(
        "write"
    )
    assert seen("SET STATEMENT a = 1", "mysql") == "unknown"


PROGRAMS = [
    ("BEGIN NOT ATOMIC SELECT 1; END", "call"),
    ("BEGIN NOT ATOMIC UPDATE a SET x = 1; DELETE FROM b; END", "write: +a, +b"),
    ("BEGIN NOT ATOMIC BEGIN UPDATE a SET x = 1; END; END", "write: +a"),
    ("BEGIN NOT ATOMIC l: BEGIN UPDATE a SET x = 1; LEAVE l; END l; END", "write: +a"),
    (
        "BEGIN NOT ATOMIC DECLARE n, m INT DEFAULT (SELECT max(x) FROM a); "
        "DECLARE c CURSOR FOR SELECT x FROM b; "
        "DECLARE CONTINUE HANDLER FOR NOT FOUND, SQLSTATE VALUE '02000' SET n = 1; "
        "DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; "
        "OPEN c; CLOSE c; SET n = m + 1; INSERT INTO d VALUES (n); END",
        "write: a, b, +d; tx rollback",
    ),
    (
        "IF EXISTS (SELECT 1 FROM a) THEN INSERT INTO b VALUES (1); "
        "ELSEIF IF(1, 2, 3) THEN DELETE FROM c; ELSE SELECT 1 FROM d; END IF",
        "write: a, +b, +c, d",
    ),
    (
        "IF (1) THEN IF (2) THEN DELETE FROM a; END IF; DELETE FROM b; END IF",
        "write: +a, +b",
    ),
    (
        "CASE WHEN (SELECT 1 FROM a) THEN DELETE FROM b; ELSE TABLE c; END CASE",
        "write: a, +b, c",
    ),
    (
        "CASE (SELECT x FROM a) WHEN CASE 1 WHEN 1 THEN 2 END THEN DELETE FROM b; "
        "WHEN 2 THEN DELETE FROM c; END CASE",
        "write: a, +b, +c",
    ),
    ("LOOP DELETE FROM a LIMIT 1; END LOOP", "write: +a"),
    ("WHILE (SELECT 1 FROM a) DO DELETE FROM b; END WHILE", "write: a, +b"),
    (
        "REPEAT DELETE FROM b; UNTIL NOT EXISTS (SELECT 1 FROM a) END REPEAT",
        "write: +b, a",
    ),
    ("FOR i IN 1..10 DO INSERT INTO a VALUES (i); END FOR", "write: +a"),
    ("FOR i IN REVERSE 1..10 DO INSERT INTO a VALUES (i); END FOR", "write: +a"),
    (
        "FOR r IN (SELECT x FROM a) DO DELETE FROM b WHERE x = r.x; END FOR",
        "write: a, +b",
    ),
    (
        "BEGIN NOT ATOMIC START TRANSACTION; INSERT INTO a VALUES (1); COMMIT; END",
        "write: +a; tx begin, commit",
    ),
    (
        "BEGIN NOT ATOMIC CREATE TEMPORARY TABLE n (x int); END",
        "ddl: +n; session temp",
    ),
    (
        "BEGIN NOT ATOMIC SET @a = 1; SET sql_mode = ''; END",
        "call; session variable, set",
    ),
    ("BEGIN NOT ATOMIC SELECT NEXT VALUE FOR s; END", "write; session variable"),
    ("BEGIN NOT ATOMIC CALL p(); EXECUTE IMMEDIATE 'x'; END", "call"),
    ("BEGIN NOT ATOMIC SELECT GET_LOCK('x', 1); END", "call; session lock"),
    ("BEGIN UPDATE a SET x = 1; END", "write: +a"),
    (
        "BEGIN INSERT INTO a VALUES (1); EXCEPTION WHEN OTHERS THEN DELETE FROM b; END",
        "write: +a, +b",
    ),
    ("DECLARE n INT := 1; BEGIN n := 2; p(n); DELETE FROM a; END", "write: +a"),
    (
        "DECLARE CURSOR c IS SELECT * FROM a; v b.x%TYPE; "
        "BEGIN FOR r IN c LOOP DELETE FROM d; END LOOP; <<l>> NULL; END",
        "write: a, +d",
    ),
]
UNREADABLE = [
    "BEGIN NOT ATOMIC SELECT 1; NO SUCH THING; END",
    "BEGIN NOT ATOMIC IF 1 DELETE FROM a; END",
    "BEGIN NOT ATOMIC FOR SELECT 1 DO DELETE FROM a; END FOR; END",
    "DECLARE PROCEDURE p IS BEGIN DELETE FROM a; END; BEGIN p; END",
    "BEGIN NOT ATOMIC SELECT 1; END END",
]


@pytest.mark.parametrize(("sql", "expected"), PROGRAMS)
def test_the_tables_of_a_program_are_those_of_its_statements(sql, expected):
    assert seen(sql, "mysql") == expected


@pytest.mark.parametrize("sql", UNREADABLE)
def test_a_program_of_which_something_is_not_understood_is_unknown(sql):
    assert seen(sql, "mysql") == "unknown"


@pytest.mark.parametrize("sql", [sql for sql, _ in PROGRAMS])
def test_a_program_is_not_cut_at_its_own_semicolons(sql):
    after = "SELECT 'after'"
    assert split(f"{sql}; {after}", "mysql") == [sql, after]
    assert split(f"{after}; {sql};", "mysql") == [after, sql]
    whole = f"SET STATEMENT a = 1 FOR {sql}"
    assert split(f"{whole}; {after}", "mysql") == [whole, after]


@pytest.mark.parametrize(
    ("dialect", "script", "count"),
    [
        ("mysql", "BEGIN; UPDATE a SET x = 1; END", 3),
        ("mysql", "BEGIN WORK; UPDATE a SET x = 1; COMMIT", 3),
        ("mysql", "SELECT IF(1, 2, 3); SELECT REPEAT('x', 2); SELECT 1", 3),
        ("mysql", "SELECT CASE WHEN 1 THEN 2 END; SELECT 1", 2),
        ("mysql", "SELECT x FROM a FOR UPDATE; SELECT 1", 2),
        ("postgresql", "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; END", 3),
        ("postgresql", "DECLARE c CURSOR FOR SELECT 1; FETCH c; CLOSE c", 3),
        ("sqlite", "BEGIN IMMEDIATE; SELECT 1; END", 3),
    ],
)
def test_other_texts_are_cut_at_each_semicolon(dialect, script, count):
    assert len(split(script, dialect)) == count


def test_variables_of_a_program_are_no_settings():
    sql = (
        "BEGIN NOT ATOMIC DECLARE x INT; FOR i IN 1..2 DO SET x = i; SET i = 3; "
        "END FOR; SET x = 1, sort_buffer_size = 2; END"
    )
    assert classify(sql, "mysql").settings == ("sort_buffer_size",)


def test_what_a_program_makes_is_known_by_name():
    sql = "IF 1 THEN CREATE TEMPORARY TABLE n (x int); SET @v = 1; END IF"
    held = [str(thing) for thing in classify(sql, "mysql").holds]
    assert held == ["temporary table n", "user variable v"]
