"""Routines of MySQL and MariaDB whose body is no block: they are one statement."""

from __future__ import annotations

import pytest

from routedb.sql import classify
from routedb.sql.scanner.splitter import split

from .seen import seen

ROUTINES = [
    "CREATE PROCEDURE p(x int) IF x THEN SELECT 1; ELSE SELECT 2; END IF",
    "CREATE PROCEDURE IF NOT EXISTS p() IF EXISTS (SELECT 1) THEN SELECT 2; END IF",
    "CREATE FUNCTION f() RETURNS int IF NOT EXISTS ((SELECT 1)) THEN RETURN 1; END IF",
    "CREATE FUNCTION f() RETURNS int NOT DETERMINISTIC IF NOT 1 THEN RETURN 1; END IF",
    "CREATE OR REPLACE PROCEDURE p() CASE x WHEN 0 THEN SELECT 1; END CASE",
    "CREATE PROCEDURE p() CASE WHEN x = 0 THEN SELECT 1; ELSE SELECT 2; END CASE",
    "CREATE PROCEDURE p(x int) WHILE x > 0 DO SET x = x - 1; END WHILE",
    "CREATE PROCEDURE p() l: WHILE x DO ITERATE l; SELECT 1; END WHILE l",
    "CREATE PROCEDURE p() REPEAT SELECT REPEAT('b', 3); UNTIL x = 0 END REPEAT",
    "CREATE PROCEDURE p() REPEAT(SELECT 1); UNTIL x = 0 END REPEAT",
    "CREATE PROCEDURE p() l: LOOP LEAVE l; END LOOP l",
    "CREATE PROCEDURE p() l: LOOP m: LOOP SET @x = 2; END LOOP m; END LOOP",
    "CREATE PROCEDURE p() COMMENT 'x' SQL SECURITY INVOKER LOOP SELECT 1; END LOOP",
    "CREATE PROCEDURE p() FOR i IN 1..3 DO INSERT INTO a VALUES (i); END FOR",
    "CREATE TRIGGER g BEFORE UPDATE ON a FOR EACH ROW IF NEW.x THEN SET @a = 1; END IF",
    "CREATE TRIGGER g BEFORE UPDATE ON a FOR EACH ROW PRECEDES h CASE WHEN 1 THEN "
    "SET NEW.x = IF(1, 2, 3); END CASE",
    "CREATE DEFINER = r@h TRIGGER g AFTER INSERT ON a FOR EACH ROW "
    "WHILE x DO CALL p(); END WHILE",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO IF x THEN SELECT 1; END IF",
    "CREATE FUNCTION f() RETURNS int BEGIN BACKUP STAGE START; BACKUP STAGE END; "
    "RETURN 1; END",
    "CREATE PROCEDURE p() BEGIN XA BEGIN 'x'; XA END 'x'; XA COMMIT 'x'; END",
    "CREATE PROCEDURE p(start int, end int) BEGIN WHILE start <= end DO "
    "SET start = end; END WHILE; SELECT a.end, CASE WHEN 1 THEN end END FROM a; END",
    "CREATE FUNCTION f() RETURNS int RETURN IF(1, 2, 3)",
    "CREATE FUNCTION f() RETURNS int RETURN CASE x WHEN 1 THEN 2 END",
    "CREATE PROCEDURE p() DROP TABLE IF EXISTS a",
    "SET STATEMENT sql_mode = '' FOR CREATE PROCEDURE p() l: BEGIN SELECT 1; END l",
    "SET STATEMENT a = 1, b = 2 FOR CREATE PROCEDURE p() IF 1 THEN SELECT 1; END IF",
]


@pytest.mark.parametrize("sql", ROUTINES)
def test_a_routine_is_not_cut_in_its_body(sql):
    after = "SELECT 'after'"
    assert split(f"{sql}; {after}", "mysql") == [sql, after]
    assert split(f"{after}; {sql};", "mysql") == [after, sql]


@pytest.mark.parametrize("sql", ROUTINES)
def test_a_routine_is_a_definition(sql):
    assert classify(sql, "mysql").kind.name == "DDL"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SIGNAL SQLSTATE '45000'", "call"),
        (
            "SIGNAL SQLSTATE VALUE '45000' SET MYSQL_ERRNO = 1, MESSAGE_TEXT = 'x'",
            "call",
        ),
        ("SIGNAL a_condition SET CLASS_ORIGIN = @x", "call; session variable"),
        ("RESIGNAL", "call"),
        ("RESIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x'", "call"),
        ("EXPLAIN EXTENDED ALL SELECT x FROM a UNION SELECT 1", "plain explain: a"),
        ("EXPLAIN FOR CONNECTION 5", "explain"),
        ("EXPLAIN FORMAT = JSON FOR CONNECTION (SELECT max(x) FROM a)", "explain: a"),
        ("DESC FOR CONNECTION @id + 1", "explain; session variable"),
        ("ANALYZE VALUES (1, 2) UNION VALUES (3, 4)", "plain explain"),
        ("SELECT x FROM a WHERE REPLACE(x, 'b', 'c') = 'd'", "plain read: a"),
        ("SET @x = INSERT('abc', 1, 1, 'd')", "session; session variable"),
        (
            "BEGIN NOT ATOMIC DECLARE x TEXT DEFAULT REPLACE('a', 'b', 'c'); "
            "SET x = REPLACE(x, 'a', (SELECT y FROM a)); END",
            "call: a",
        ),
        (
            "BEGIN NOT ATOMIC SET STATEMENT c = 1 FOR SELECT x FROM a; END",
            "call: a",
        ),
    ],
)
def test_what_the_suite_of_mariadb_has_besides(sql, expected):
    assert seen(sql, "mysql") == expected


@pytest.mark.parametrize(
    "sql",
    [
        "PREPARE s FROM 'SELECT 1'",
        "PREPARE s FROM @x",
        "PREPARE s FROM CONCAT('SELECT ', (SELECT x FROM a))",
        "PREPARE s FROM (1 IN (SELECT x FROM a))",
        "PREPARE s FROM EXISTS (SELECT x FROM a)",
    ],
)
def test_a_text_to_prepare_may_be_an_expression(sql):
    statement = classify(sql, "mysql")
    assert [str(thing) for thing in statement.holds] == ["prepared statement s"]
    assert [str(table) for table in statement.tables] == ["a"] * ("FROM a" in sql)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 + /*!00000 2 */ + 3 /*!999999 noise*/ + 4", "plain read"),
        (
            "SELECT /*! STRAIGHT_JOIN */ x FROM a /*!50000 IGNORE INDEX (i) */",
            "plain read: a",
        ),
        ("SELECT x FROM /*!000000 a */ /*!999999 , b */", "plain read: a"),
        ("SELECT x FROM a /*M!999999 FOR UPDATE */", "plain read: a"),
        ("SELECT x FROM a /*! FOR UPDATE */ /*!50100 */", "lock: a"),
        ("SELECT x FROM a /*!50100 */ /*!80000 FOR UPDATE */", "lock: a"),
        ("SELECT x FROM a /*!50100 WHERE 1 */ /*!80000 AND 2 */", "unknown"),
        ("SELECT x FROM a /*!00001 WHERE 1 */ /*!80000 AND 2 */", "unknown"),
        ("/*! DELETE FROM a */", "write: +a"),
        ("/*!999999 DELETE FROM a */", "empty"),
    ],
)
def test_comments_that_depend_on_no_version_are_code_or_none(sql, expected):
    assert seen(sql, "mysql") == expected
