"""A text taken apart: what is left when literals and comments are out."""

from __future__ import annotations

import pytest

from routedb.sql import scan


@pytest.mark.parametrize(
    ("sql", "dialect", "shape", "literals"),
    [
        ("SELECT 1", "postgresql", "SELECT 0", ("1",)),
        ("SELECT  -1.5e3,\n.5", "postgresql", "SELECT -0, 0", ("1.5e3", ".5")),
        ("SELECT 'a''b', ''", "postgresql", "SELECT '', ''", ("'a''b'", "''")),
        ("SELECT E'a\\'b' , x", "postgresql", "SELECT '' , x", ("E'a\\'b'",)),
        ("SELECT $$a$$, $b$'$b$", "postgresql", "SELECT '', ''", ("$$a$$", "$b$'$b$")),
        ("SELECT X'1F'", "postgresql", "SELECT ''", ("X'1F'",)),
        ("SELECT date'2024-01-01'", "postgresql", "SELECT date''", ("'2024-01-01'",)),
        ("SELECT $1, %s, x1", "postgresql", "SELECT $1, %s, x1", ()),
        ('SELECT "a 1  b"', "postgresql", 'SELECT "a 1  b"', ()),
        ("SELECT/* x */1--y", "postgresql", "SELECT 0", ("1",)),
        ("SELECT /* a /* b */ c */ 1", "postgresql", "SELECT 0", ("1",)),
        ("SELECT a$1", "postgresql", "SELECT a$1", ()),
        ("SELECT \"a\", 'b\\'c' #d", "mysql", "SELECT '', ''", ('"a"', "'b\\'c'")),
        ("SELECT 5--1", "mysql", "SELECT 0--0", ("5", "1")),
        ("SELECT /*!1 2 */ 3", "mysql", "SELECT /*!1 0 */ 0", ("2", "3")),
        ("SELECT [a 1], `b 2`, 0xFF", "sqlite", "SELECT [a 1], `b 2`, 0", ("0xFF",)),
    ],
)
def test_a_shape_holds_no_literals_and_no_comments(sql, dialect, shape, literals):
    found = scan(sql, dialect)
    assert (found.shape, found.literals) == (shape, literals)


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT 'a', 1 /* b 'c' */, E'd', $$e$$ -- f", "postgresql"),
        ("SELECT \"a\", /*!5 1 */ 'b' # c", "mysql"),
        ("INSERT INTO [a] VALUES (1, x'2', 'c')", "sqlite"),
    ],
)
def test_the_parts_make_the_text_and_the_spans_the_literals(sql, dialect):
    found = scan(sql, dialect)
    assert "".join(found.parts) == sql
    odd = found.parts[1::2]  # literals, names in quotes and comments
    assert [part for part in odd if part in found.literals] == list(found.literals)


@pytest.mark.parametrize(
    ("sql", "dialect", "fault"),
    [
        ("SELECT 'a", "postgresql", "unterminated quote"),
        ("SELECT E'a\\'", "postgresql", "unterminated quote"),
        ('SELECT "a', "postgresql", "unterminated quote"),
        ("SELECT $a$ $A$", "postgresql", "unterminated quote"),
        ("SELECT /* /* */", "postgresql", "unterminated comment"),
        ("SELECT `a", "mysql", "unterminated quote"),
        ("SELECT 'a\\'", "mysql", "unterminated quote"),
        ("SELECT /* a", "mysql", "unterminated comment"),
        ("SELECT /*", "mysql", "unterminated comment"),
        ("SELECT /*/", "sqlite", ""),
        ("SELECT /* a */", "sqlite", ""),
        ("SELECT /*/", "mysql", "unterminated comment"),
        ("SELECT [a", "sqlite", "unterminated quote"),
        ("SELECT 'a\\'", "sqlite", ""),
        ("SELECT 1 -- it's", "postgresql", ""),
    ],
)
def test_a_text_that_ends_too_early_has_a_fault(sql, dialect, fault):
    assert scan(sql, dialect).fault == fault


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SET default_transaction_read_only = 'on'", "postgresql"),
        ("PREPARE TRANSACTION 'id'", "postgresql"),
        ("SELECT 1; COMMIT PREPARED 'id'", "postgresql"),
        ("SET autocommit = 1", "mysql"),
        ("PRAGMA table_info('a')", "sqlite"),
    ],
)
def test_values_that_count_stay_in_the_shape(sql, dialect):
    assert scan(sql, dialect).shape == sql
