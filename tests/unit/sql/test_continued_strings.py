"""PostgreSQL's strings go on behind a newline, in the mode of their first part."""

from __future__ import annotations

import pytest

from routedb.sql import Classifier
from routedb.sql.scanner.literals import UnreadableLiteral, read_literal

from .seen import seen


@pytest.mark.parametrize(
    ("string", "value"),
    [
        ("'a'\n'b'", "ab"),
        ("'a'  \r\n\t 'b'", "ab"),
        ("'a' -- it's\n 'b'", "ab"),
        ("'a'\n--'\n--'\n'b'\n'c'", "abc"),
        ("'a''\n''b'", "a'\n'b"),
        ("'a''b'\n'''c'", "a'b'c"),
        ("''\n''", ""),
        (r"E'a'" "\n" r"'\''", "a'"),
        (r"e'\n'" "\n" r"'\t'" "\n" r"'\\'", "\n\t\\"),
        (r"E'a'  -- \'" "\n\t" r"'\'b'", "a'b"),
        (r"E'it''s'" "\r" r"'\'s'", "it's's"),
        (r"E'a'" "\n\n\n" r"'\x41'", "aA"),
    ],
)
def test_it_is_one_literal(string, value):
    scan = Classifier("postgresql").scan(
        f"SELECT x FROM t WHERE y = {string} AND z = 1"
    )
    assert scan.fault == ""
    assert scan.shape == "SELECT x FROM t WHERE y = '' AND z = 0"
    assert scan.literals == (string, "1")
    assert read_literal(string, "postgresql") == value


@pytest.mark.parametrize(
    "string",
    ["'a'\n'\\'", "U&'a'\n'\\0061'", "B'1'\n'0'", "X'1F'\n'20'", "N'a'\n'b'"],
)
def test_what_it_means_may_be_open_but_not_where_it_ends(string):
    scan = Classifier("postgresql").scan(f"SELECT {string} FROM t")
    assert scan.shape == "SELECT '' FROM t"
    with pytest.raises(UnreadableLiteral):
        read_literal(string, "postgresql")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (r"SELECT E'a'" "\n" r"'\''; DELETE FROM t; SELECT '", "unknown"),
        (r"SELECT E'a'" "\n" r"'\''; DELETE FROM t", "write: +t"),
        (r"SELECT 'a'" "\n" r"'\'; DELETE FROM t --'", "write: +t"),
        (r"SELECT E'a' /* x */" "\n" r", '\'; DELETE FROM t --'", "write: +t"),
        (r"SELECT E'a', '\'" "\nFROM t", "plain read: t"),
        (r"SELECT E'a'" "\n" r"'\' FROM t", "unknown"),
        ("SELECT 'x'\n'y", "unknown"),
        (
            r"SET search_path = E'a'" "\n" r"'\''; SELECT 1 FROM t",
            "session: t; session set",
        ),
        (
            r"SET transaction_read_only = E'a'" "\n" r"'\''; SELECT 1 FROM t",
            "transaction: t; tx set transaction",
        ),
        (
            r"SELECT '\', x FROM t; COMMIT PREPARED 'a'",
            "transaction: t; tx commit prepared",
        ),
    ],
)
def test_code_begins_behind_its_last_part(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize("dialect", ["mysql", "sqlite"])
def test_elsewhere_a_string_is_a_string(dialect):
    assert len(Classifier(dialect).scan("SELECT 'a'\n'b'").literals) == 2
