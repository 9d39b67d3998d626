"""MySQL texts of sessions with ANSI_QUOTES: "x" is a name, and is found as one."""

from __future__ import annotations

import pytest

from routedb.sql import Classifier
from routedb.sql.scanner.patterns import MYSQL_ANSI
from routedb.sql.scanner.splitter import pieces

from .seen import line

ANSI = Classifier("mysql", lexis=MYSQL_ANSI)
AUTOCOMMIT = "transaction: a; tx autocommit off"
PLAIN = Classifier("mysql")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT "order" FROM "orders"', "plain read: orders"),
        ('SELECT * FROM "s"."a" AS "b" JOIN c', "plain read: s.a, c"),
        ('SELECT * FROM "a""b"', 'plain read: a"b'),
        ('SELECT * FROM "a`b"', "plain read: a`b"),
        ('SELECT * FROM "a\\", b', "plain read: a\\, b"),
        ("SELECT * FROM `a` WHERE x = 'y \\' z \"'", "plain read: a"),
        ('UPDATE "a" SET "x" = 1', "write: +a"),
        ('DELETE FROM "a" WHERE x IN (TABLE "b")', "write: +a, b"),
        ('SELECT "f"(x) FROM a', "read: a; asks f"),
        ('INSERT INTO "a" ("x") SELECT "y" FROM "b"', "write: +a, b"),
        ('CREATE TEMPORARY TABLE "n" (x int)', "ddl: +n; session temp"),
        ('SELECT 1 /* " */ FROM a -- "', "plain read: a"),
        ('SELECT * FROM "a', "unknown"),
        ('SELECT 1; SET autocommit = 0; SELECT * FROM "a"', AUTOCOMMIT),
    ],
)
def test_what_stands_in_double_quotes_is_a_name(sql, expected):
    assert line(ANSI.statement(ANSI.scan(sql))) == expected


def test_a_scan_holds_the_text_as_it_was_written():
    sql = 'SELECT "a""b", \'x\' FROM "c"'
    scan = ANSI.scan(sql)
    assert "".join(scan.parts) == sql
    assert scan.literals == ("'x'",)
    assert scan.shape == "SELECT `a\"b`, '' FROM `c`"


def test_a_script_is_cut_where_names_are_told_from_code():
    scan = ANSI.scan('SELECT "a;b"; BEGIN NOT ATOMIC SELECT "x;"; END; SELECT 2')
    found = [sql for sql, _ in pieces(scan, None)]
    assert found == ['SELECT "a;b"', 'BEGIN NOT ATOMIC SELECT "x;"; END', "SELECT 2"]


def test_without_the_mode_they_are_strings():
    assert PLAIN.scan('SELECT "a" FROM b').shape == "SELECT '' FROM b"
