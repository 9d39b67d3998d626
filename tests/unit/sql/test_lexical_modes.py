"""Texts as sessions read them under each setting for quotes, and what depends on it."""

from __future__ import annotations

import pytest

from routedb.sql import UNSETTLED, Classifier, LexicalMode, Reading
from routedb.sql import lexical_mode as modes
from routedb.sql.lexical_mode import (
    HIDING,
    NARROW,
    SWALLOWED,
    SWALLOWING,
    TRANSPARENT,
    WIDE,
    common_mode,
    is_apart,
    mysql_mode,
    postgresql_mode,
    read_in,
)
from routedb.sql.scanner.literals import read_literal
from routedb.sql.scanner.patterns import (
    DIALECT_OF,
    MYSQL_ANSI,
    MYSQL_ANSI_PLAIN,
    MYSQL_PLAIN,
    POSTGRESQL_ESCAPES,
)
from routedb.sql.scanner.shape import may_depend

HINT = "/* routedb: database=x */"
OFF = POSTGRESQL_ESCAPES
SWALLOWS = LexicalMode("mysql", SWALLOWING)
HIDES = LexicalMode("mysql", HIDING)

# Way to write, text, tables, the database of its hint.
READ = [
    ("postgresql", rf"SELECT 'a\' {HINT}, 'b' FROM t", "t", "x"),
    ("postgresql", rf"SELECT E'a\' {HINT}, ' FROM t", "t", None),
    ("postgresql", rf"SELECT $é$a\' {HINT}, $e$ $é$ FROM t", "t", None),
    ("postgresql", rf"SELECT $été_1$ ' {HINT} $été_2$ '$été_1$ FROM t", "t", None),
    ("postgresql", rf"SELECT é$a$ FROM t {HINT} -- $a$", "t", "x"),
    ("postgresql", rf"SELECT '\\' {HINT}, '\' FROM t", "t", "x"),
    (OFF, rf"SELECT 'a\' {HINT}, ' FROM t", "t", None),
    (OFF, rf"SELECT 'a\\' {HINT} FROM t", "t", "x"),
    (OFF, rf"SELECT N'a\' {HINT}, ' FROM t", "t", None),
    (OFF, rf"SELECT b'\' {HINT} FROM t", "t", "x"),
    (OFF, rf"SELECT X'\' {HINT} FROM t", "t", "x"),
    (OFF, rf"SELECT ab'\' {HINT} ' FROM t", "t", None),
    (OFF, rf"SELECT E'a\' {HINT} ' FROM t", "t", None),
    (OFF, f"SELECT 'a'\n'\\' {HINT} ' FROM t", "t", None),
    (OFF, f"SELECT 'a' -- c\n'\\' {HINT} ' FROM t", "t", None),
    (OFF, rf"SELECT $é$\$é$ {HINT} FROM t", "t", "x"),
    (OFF, rf'SELECT "a\" {HINT} FROM t', "t", "x"),
    (OFF, r"SELECT 'a\'; DELETE FROM u; --' FROM t", "t", None),
    (OFF, r"DELETE FROM t WHERE a = '\'' OR b = 'x\'; DELETE FROM u; '", "t", None),
    ("mysql", rf"SELECT 'a\' {HINT}, ' FROM t", "t", None),
    ("mysql", rf'SELECT "a\" {HINT}, " FROM t', "t", None),
    ("mysql", rf"SELECT 'a\\' {HINT} FROM t", "t", "x"),
    (MYSQL_PLAIN, rf"SELECT 'a\' {HINT} FROM t", "t", "x"),
    (MYSQL_PLAIN, rf'SELECT "a\" {HINT} FROM t', "t", "x"),
    (MYSQL_PLAIN, rf"SELECT 'a\', ' {HINT} ' FROM t", "t", None),
    (MYSQL_PLAIN, rf"SELECT 'a\''', ' {HINT} ' FROM t", "t", None),
    (MYSQL_PLAIN, rf'SELECT "a\"" {HINT} " FROM t', "t", None),
    (MYSQL_PLAIN, rf"SELECT N'a\', _utf8'\', ' {HINT} ' FROM t", "t", None),
    (MYSQL_PLAIN, rf"SELECT x'\' {HINT} FROM t", "t", "x"),
    (MYSQL_PLAIN, r"SELECT 'a\', '; DELETE FROM u; ' FROM t", "t", None),
    (MYSQL_PLAIN, rf"SELECT `a\`, ' {HINT} ' FROM t", "t", None),
    (MYSQL_PLAIN, rf"SELECT '\' # {HINT} '", "", None),
    (MYSQL_ANSI, f"SELECT `a\\`, '\\' {HINT} \\' ' FROM t", "t", None),
    (MYSQL_ANSI, f"SELECT 'a\\' {HINT}, ' FROM \"t\"", "t", None),
    (MYSQL_ANSI_PLAIN, f"SELECT 'a\\', ' {HINT} ' FROM \"t\"", "t", None),
    (
        MYSQL_ANSI_PLAIN,
        r'INSERT INTO "t" VALUES (' r"'\', '; DROP TABLE u; ')",
        "t",
        None,
    ),
    (MYSQL_ANSI_PLAIN, rf'SELECT "a\" {HINT} FROM "t"', "t", "x"),
]


@pytest.mark.parametrize(("lexis", "sql", "tables", "hinted"), READ)
def test_strings_end_where_the_server_ends_them(lexis, sql, tables, hinted):
    classifier = Classifier(DIALECT_OF[lexis], lexis=lexis)
    scan = classifier.scan(sql)
    assert not scan.fault
    assert "".join(scan.parts) == sql
    statement = classifier.statement(scan)
    assert " ".join(table.name for table in statement.tables) == tables
    assert (statement.hints and statement.hints.database) == hinted
    assert statement.parts == 1


@pytest.mark.parametrize(
    ("lexis", "literal", "value"),
    [
        (OFF, r"'a\'b'", "a'b"),
        (OFF, r"N'a\nb'", "a\nb"),
        (OFF, r"'a''b'", "a'b"),
        (OFF, r"$$a\b$$", r"a\b"),
        (MYSQL_PLAIN, r"'a\b'", r"a\b"),
        (MYSQL_PLAIN, r'"a\"', "a\\"),
        (MYSQL_PLAIN, r"'a\''b'", r"a\'b"),
        (MYSQL_ANSI_PLAIN, r"'\\'", r"\\"),
        (MYSQL_ANSI, r"'a\'b'", "a'b"),
        ("mysql", r"'a\'b'", "a'b"),
    ],
)
def test_a_shard_key_has_the_value_that_the_server_reads(lexis, literal, value):
    (found,) = (
        Classifier(DIALECT_OF[lexis], lexis=lexis)
        .scan(f"SELECT * FROM t WHERE a = {literal}")
        .literals
    )
    assert read_literal(found, DIALECT_OF[lexis]) == value


@pytest.mark.parametrize(
    ("lexis", "sql", "shape"),
    [
        (
            MYSQL_PLAIN,
            r"SET autocommit = 0, x = 'a\'",
            r"SET autocommit = 0, x = 'a\\'",
        ),
        (OFF, r"PREPARE TRANSACTION 'a\''", r"PREPARE TRANSACTION E'a\''"),
        (MYSQL_ANSI_PLAIN, r'SELECT "a\"', r"SELECT `a\`"),
    ],
)
def test_a_shape_is_written_as_without_the_setting(lexis, sql, shape):
    assert Classifier(DIALECT_OF[lexis], lexis=lexis).scan(sql).shape == shape


@pytest.mark.parametrize(
    ("sql_mode", "lexis"),
    [
        ("", "mysql"),
        ("STRICT_TRANS_TABLES,NO_ZERO_DATE", "mysql"),
        ("ANSI_QUOTES", MYSQL_ANSI),
        ("REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ANSI", MYSQL_ANSI),
        ("PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ORACLE", MYSQL_ANSI),
        ("NO_BACKSLASH_ESCAPES", MYSQL_PLAIN),
        ("NO_ZERO_DATE,NO_BACKSLASH_ESCAPES,ANSI_QUOTES", MYSQL_ANSI_PLAIN),
        ("PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,MSSQL", None),
        ("MYSQL323,HIGH_NOT_PRECEDENCE", "mysql"),
    ],
)
def test_sql_mode(sql_mode, lexis):
    assert mysql_mode(sql_mode, "utf8mb4", "utf8").lexis == lexis


@pytest.mark.parametrize(
    ("reported", "lexis"),
    [("on", "postgresql"), ("off", OFF), (None, None), ("?", None)],
)
def test_standard_conforming_strings(reported, lexis):
    assert postgresql_mode(reported, "UTF8", "utf_8").lexis == lexis


@pytest.mark.parametrize(
    ("server", "codec", "expected"),
    [
        ("utf8mb4", "utf8", TRANSPARENT),
        ("UTF8", "utf_8", TRANSPARENT),
        ("latin1", "cp1252", TRANSPARENT),
        ("SQL_ASCII", "ascii", TRANSPARENT),
        ("EUC_KR", "euc_kr", TRANSPARENT),
        ("KOI8R", "koi8_r", TRANSPARENT),
        ("gbk", "gbk", SWALLOWING),
        ("sjis", "sjis", SWALLOWING),
        ("big5", "utf8", SWALLOWING),
        ("GB18030", "utf_8", SWALLOWING),
        ("EUC_JP", "euc_jp", SWALLOWING),
        ("swe7", "utf8", SWALLOWING),
        ("made_up", "utf8", SWALLOWING),
        ("latin1", "gbk", HIDING),
        ("utf8mb4", "sjis", HIDING),
        ("gbk", "big5", HIDING),
        ("utf8", "", HIDING),
        ("utf8", "utf_16", HIDING),
    ],
)
def test_encodings(server, codec, expected):
    assert mysql_mode("", server, codec).encoding == expected
    assert postgresql_mode("on", server, codec).encoding == expected


@pytest.mark.parametrize("codec", sorted(modes._TRANSPARENT))
def test_transparent_codecs_send_no_other_character_as_ascii(codec):
    text = "".join(map(chr, (*range(0x80, 0xD800), *range(0xE000, 0x11000))))
    assert min(text.encode(codec, "ignore"), default=0x80) >= 0x80
    assert bytes(range(128)).decode(codec) == bytes(range(128)).decode("ascii")


@pytest.mark.parametrize(
    ("dialect", "sql", "depends", "apart"),
    [
        ("postgresql", "SELECT 'a'", False, False),
        ("postgresql", r"SELECT 'a\_b'", True, False),
        ("postgresql", r"SELECT E'a\'b'", True, False),
        ("postgresql", r"SELECT 'a\'", True, True),
        ("postgresql", r"SELECT $$\'$$", True, False),
        ("postgresql", r"SELECT 1 -- \'", True, False),
        ("postgresql", "SELECT 'é'", True, False),
        ("postgresql", 'SELECT "a"', False, False),
        ("mysql", "SELECT 'a'", False, False),
        ("mysql", 'SELECT "a"', True, False),
        ("mysql", r"SELECT 'a\\'", True, False),
        ("mysql", r"SELECT 'a\\b'", True, False),
        ("mysql", r'SELECT "a\""', True, True),
        ("mysql", r"SELECT `a\`", True, False),
        ("mysql", "SELECT '[1]'", True, False),
        ("mysql", "SELECT [a'b]", True, True),
        ("sqlite", r"SELECT 'a\', [é]", False, False),
    ],
)
def test_texts_that_depend_on_the_mode(dialect, sql, depends, apart):
    assert may_depend(sql, dialect) is depends
    assert is_apart(sql, dialect) is apart


@pytest.mark.parametrize(
    ("mode", "dialect", "sql", "expected"),
    [
        (LexicalMode("mysql"), "mysql", "SELECT 'é'", Reading("mysql", width=WIDE)),
        (LexicalMode(OFF), "postgresql", r"SELECT '\''", Reading(OFF, is_apart=True)),
        (UNSETTLED, "postgresql", r"SELECT '\''", None),
        (UNSETTLED, "mysql", 'SELECT "a"', None),
        (UNSETTLED, "mysql", r"SELECT 'a\_b'", Reading("mysql")),
        (UNSETTLED, "postgresql", "SELECT 'é'", None),
        (SWALLOWS, "mysql", "SELECT 'é' ", Reading("mysql", width=WIDE)),
        (SWALLOWS, "mysql", r"SELECT 'é\n'", None),
        (SWALLOWS, "mysql", "SELECT é`a`", None),
        (SWALLOWS, "mysql", "SELECT '¥'", None),
        (SWALLOWS, "mysql", "SELECT '\udc95\\'", None),
        (HIDES, "mysql", "SELECT 'é'", None),
        (HIDES, "mysql", 'SELECT "a"', Reading("mysql", has_names=True)),
    ],
)
def test_what_a_mode_lets_read(mode, dialect, sql, expected):
    assert read_in(mode, sql, dialect) == expected


@pytest.mark.parametrize(
    ("reading", "mode", "holds"),
    [
        (Reading("mysql", True), LexicalMode("mysql"), True),
        (Reading("mysql", True), LexicalMode(MYSQL_PLAIN), False),
        (Reading("mysql", True), LexicalMode(None), False),
        (Reading("mysql"), LexicalMode(MYSQL_PLAIN), True),
        (Reading("mysql"), LexicalMode(None), True),
        (Reading("mysql", has_names=True), LexicalMode(MYSQL_ANSI), False),
        (Reading("postgresql", True), LexicalMode(OFF), False),
        (Reading("postgresql"), LexicalMode(OFF), True),
        (Reading("postgresql", True), LexicalMode(MYSQL_ANSI), False),
        (Reading("postgresql", True), LexicalMode(MYSQL_ANSI_PLAIN), True),
        (Reading("postgresql", True), LexicalMode("sqlite"), True),
        (Reading(OFF, True), LexicalMode("sqlite"), False),
        (Reading("postgresql", width=WIDE), LexicalMode("mysql", SWALLOWING), True),
        (Reading("postgresql", width=WIDE), LexicalMode("mysql", HIDING), False),
        (Reading("mysql", width=SWALLOWED), LexicalMode("mysql", SWALLOWING), False),
        (Reading("mysql", width=NARROW), LexicalMode("mysql", HIDING), True),
    ],
)
def test_where_a_reading_holds(reading, mode, holds):
    assert reading.holds_in(mode) is holds


def test_nodes_that_differ_have_what_is_common():
    one, other = LexicalMode("mysql"), LexicalMode(MYSQL_PLAIN, SWALLOWING, "gbk")
    assert common_mode([one, one]) == one
    assert common_mode([one, other])[:2] == (None, SWALLOWING)
    assert common_mode([one, LexicalMode("mysql", HIDING)])[:2] == ("mysql", HIDING)
