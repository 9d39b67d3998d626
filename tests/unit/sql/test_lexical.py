"""Quotes, comments, placeholders, several statements, and texts that are none."""

from __future__ import annotations

import pytest
from sqlparse.lexer import Lexer

from routedb.sql.scanner import lexer
from routedb.sql.scanner.lexer import statements

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 'DELETE FROM a; -- x' FROM b", "plain read: b"),
        ("SELECT E'it\\'s; DROP TABLE a' FROM b", "plain read: b"),
        ("SELECT e'\\\\' FROM b; DELETE FROM a", "write: b, +a"),
        ("SELECT '\\' FROM b; DELETE FROM a --'", "write: b, +a"),
        ("SELECT $$ ' DELETE FROM a; $$ FROM b", "plain read: b"),
        ("SELECT $x$ $$ ; $x$ FROM b", "plain read: b"),
        ("SELECT $x$ $X$ FROM b; DELETE FROM a --$x$", "plain read"),
        ("SELECT a$b$c FROM d; DELETE FROM e --$b$", "write: d, +e"),
        ('SELECT U&\'d\\0061t\', U&"d\\0061t" FROM U&"\\0061b"', "plain read: ab"),
        ("SELECT U&\"d!0061\" UESCAPE '!' FROM b", "plain read: b"),
        ("SELECT B'01', X'1F', N'x' FROM b", "plain read: b"),
        ("SELECT 'a' 'b' FROM c", "plain read: c"),
        ("SELECT 'a'\n 'b; DELETE FROM x' FROM c", "plain read: c"),
        ("SELECT 1 /* a /* nested */ DELETE FROM x; */ FROM b", "plain read: b"),
        ("SELECT 1 /* /* */ FROM a */ */", "plain read"),
        ("SELECT 1 -- ; DELETE FROM a", "plain read"),
        ("SELECT 1 --\n; DELETE FROM a", "write: +a"),
        ("SELECT 1--1 FROM a", "plain read"),
        ('SELECT "a;b" FROM "c""d"', 'plain read: c"d'),
        ('SELECT * FROM "A", a, A', "plain read: A, a"),
        ('SELECT * FROM "select", "from"', "plain read: select, from"),
        ('SELECT * FROM "S"."T"', "plain read: S.T"),
        ('SELECT "a.b".c FROM "a.b"', "plain read: a.b"),
        ("SELECT * FROM Größe, ÄB", "plain read: größe, Äb"),
        ("SELECT # 1 FROM a", "plain read: a"),
        ("SELECT a # b FROM c", "plain read: c"),
        ("SELECT 1::text || '/*' FROM a; DELETE FROM b --*/", "write: a, +b"),
        ("SELECT $1, $2::int FROM a WHERE x = $3", "plain read: a"),
        ("SELECT %s, %(name)s FROM a WHERE x LIKE 'a%%'", "plain read: a"),
        ("SELECT 5 % 3, x %y FROM a", "plain read: a"),
        ("SELECT :name FROM a", "plain read: a"),
        ("SELECT x[1:2], x[:n] FROM a", "plain read: a"),
        ("SELECT 1.5e10, .5, 1_000, 0xFF, 1. FROM a", "plain read: a"),
        ("SELECT*FROM a", "plain read: a"),
        ("select\"x\"from\"a\"where'1'='1'", "plain read: a"),
        ("SELECT\t*\nFROM\ta", "plain read: a"),
        ("SELECT 1;", "plain read"),
        (";;SELECT 1;;", "plain read"),
        ("SELECT 1; DROP TABLE x", "ddl: +x"),
        ("SELECT 1; SELECT 2 FROM a", "plain read: a"),
        ("BEGIN; INSERT INTO a VALUES (1); COMMIT", "write: +a; tx begin, commit"),
        ("SELECT * FROM a; SELECT nextval('s')", "write: a; session variable"),
    ],
)
def test_postgresql_quotes_and_comments(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "SELECT \"it's; DELETE FROM a\", 'a\\'; DELETE FROM b' FROM c",
            "plain read: c",
        ),
        ('SELECT \'a\'\'b\', "a""b", "\\"; DELETE FROM a" FROM b', "plain read: b"),
        ("SELECT 1 # ; DELETE FROM a", "plain read"),
        ("SELECT 1 #\n; DELETE FROM a", "write: +a"),
        ("SELECT 1 -- x", "plain read"),
        ("SELECT 5--1 FROM a", "plain read: a"),
        ("SELECT 1 --\n; DELETE FROM a", "write: +a"),
        ("SELECT /* /* */ 1 FROM a", "plain read: a"),
        ("/*!50000 DELETE */ FROM t", "write: +t"),
        ("/*! DELETE FROM a */", "write: +a"),
        ("/*!99999 DELETE FROM a */ SELECT 1", "write: +a"),
        ("SELECT /*! SQL_NO_CACHE */ * FROM a", "plain read: a"),
        ("SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */ FROM a", "write: a"),
        ("SELECT 1 /*M!100000 FROM a FOR UPDATE */", "lock: a"),
        ("SELECT * FROM a /*! , b */", "plain read: a, b"),
        ("SELECT '/*!' ; DELETE FROM a; -- */'", "write: +a"),
        ("/*!40101 SET NAMES utf8 */", "session; session set"),
        ("/*!999999\\- enable the sandbox mode */", "empty"),
        ("SELECT /*+ MAX_EXECUTION_TIME(1) */ * FROM a", "plain read: a"),
        ("/*! SELECT 1 */", "plain read"),
        ("SELECT 1 /*!99999 FROM a */ /*!50000 , 2 */", "unknown"),
        (
            "/*!50001 CREATE VIEW */ /*!50013 v AS */ /*!50001 SELECT * FROM a */",
            "ddl: +v, a; tx commit",
        ),
        ("SELECT /*! garbage ( */ 1", "unknown"),
        ("SELECT nextval/**/(s)", "write; session variable"),
    ],
)
def test_mysql_quotes_and_comments(sql, expected):
    assert seen(sql, "mysql") == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1; garbage", "unknown"),
        (" ", "empty"),
        ("-- nothing", "empty"),
        ("/* nothing */ ;", "empty"),
        ("SELECT 'open", "unknown"),
        ('SELECT "open', "unknown"),
        ("SELECT $$open", "unknown"),
        ("SELECT /* open", "unknown"),
        ("SELECT (1", "unknown"),
        ("SELECT 1)", "unknown"),
        ("FROM a", "unknown"),
        ("frobnicate a", "unknown"),
        ("1", "unknown"),
        ("INSERT INTO", "unknown"),
        ("DELETE", "write"),
        ("UPDATE", "write"),
    ],
)
def test_what_cannot_be_read_is_no_plain_read(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT * FROM "a"', "unknown"),
        ("SELECT * FROM %s", "unknown"),
        ("DELETE FROM %s", "unknown"),
        ("INSERT INTO %s VALUES (1)", "unknown"),
        ("UPDATE %s SET x = 1", "unknown"),
        ("BEGIN NOT ATOMIC DELETE FROM a; END; SELECT 1", "write: +a"),
        ("SET @x = 1; SELECT * FROM a", "session: a; session variable"),
    ],
)
def test_what_mysql_would_refuse_or_hide_is_no_plain_read(sql, expected):
    assert seen(sql, "mysql") == expected


class OtherLexer(Lexer):
    """sqlparse's lexer if it kept its patterns in another way than today."""

    def set_SQL_REGEX(self, SQL_REGEX):  # noqa: N802, N803
        super().set_SQL_REGEX(SQL_REGEX)
        self.patterns = self.__dict__.pop("_SQL_REGEX")

    def get_tokens(self, text, encoding=None):
        lexer = Lexer()
        lexer._SQL_REGEX = self.patterns
        return lexer.get_tokens(text, encoding)


def test_tokens_are_the_same_by_the_public_methods_of_sqlparse_alone(monkeypatch):
    text = 'SELECT a . b, "c", 1 ::int FROM t $1 WHERE x >= %s  AND 2y; COMMIT'
    found, count = statements(text, "postgresql")
    monkeypatch.setattr("sqlparse.lexer.Lexer", OtherLexer)
    monkeypatch.setattr(lexer, "_lexer", lexer._lexer.__wrapped__)
    again, again_count = statements(text, "postgresql")
    assert count == again_count == 2
    assert [one.raw for one in found] == [one.raw for one in again]
    assert [one.names for one in found] == [one.names for one in again]
