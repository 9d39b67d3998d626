"""The formats of query logs, from samples."""

from __future__ import annotations

import io

import pytest

from routedb.cli.logs import FORMATS, Query, detect, read

PLAIN = """\
2026-11-24 03:00:00.000 UTC [11] LOG:  starting PostgreSQL 15.4
2026-11-24 03:00:00.001 UTC [12] LOG:  connection authorized: user=app database=shop
2026-11-24 03:00:00.002 UTC [12] app@shop LOG:  statement: SELECT name
\t  FROM t -- not
\t
\tWHERE id = 1
03:00:00.003 [13-1] LOG:  execute <unnamed>: SELECT $1, $2, $3
03:00:00.003 [13-2] DETAIL:  parameters: $1 = '42', $2 = NULL, $3 = 'it''s
\ttwo lines'
2026-11-24 03:00:00.004 UTC [12] LOG:  duration: 0.123 ms  parse s1: SELECT 2
2026-11-24 03:00:00.004 UTC [12] LOG:  duration: 0.123 ms  bind s1: SELECT 2
2026-11-24 03:00:00.004 UTC [12] LOG:  duration: 0.123 ms  execute s1: SELECT 2
2026-11-24 03:00:00.004 UTC [12] LOG:  execute fetch from s1/p1: SELECT 2
2026-11-24 03:00:00.005 UTC [12] LOG:  duration: 0.123 ms
2026-11-24 03:00:00.006 UTC [12] ERROR:  syntax error at or near "X"
2026-11-24 03:00:00.006 UTC [12] STATEMENT:  X
2026-11-24 03:00:00.007 UTC [12] LOG:  duration: 7.5 ms  statement: SELECT 'LOG:  x'
2026-11-24 03:00:00.008 UTC [12] LOG:  disconnection: session time: 0:00:00.1 user=app
"""
FROM_PLAIN = [
    Query("[12]", None),
    Query("[12]", "SELECT name\n  FROM t -- not\n\nWHERE id = 1"),
    Query(
        "[13-1]",
        "SELECT $1, $2, $3",
        ((1, "'42'"), (2, "NULL"), (3, "'it''s\ntwo lines'")),
    ),
    Query("[12]", "SELECT 2"),
    Query("[12]", "SELECT 'LOG:  x'"),
    Query("[12]", None),
]


def row(message, detail="", severity="LOG"):
    cells = [
        "t",
        "app",
        "shop",
        "12",
        "host:1",
        "6563.c",
        "1",
        "SELECT",
        "t",
        "3/0",
        "0",
    ]
    cells += [severity, "00000", message, detail, "", "", "", "", "", "", "", "app"]
    return ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in cells) + "\n"


CSV = (
    row("connection authorized: user=app")
    + row('statement: SELECT "a",\n  1')
    + row("duration: 1.5 ms  execute <unnamed>: SELECT $1", "Parameters: $1 = '7'")
    + row("oops", "parameters: $1 = '7'", "ERROR")
)
FROM_CSV = [
    Query("6563.c", None),
    Query("6563.c", 'SELECT "a",\n  1'),
    Query("6563.c", "SELECT $1", ((1, "'7'"),)),
]

MYSQL = """\
/usr/sbin/mysqld, Version: 8.0.36 (MySQL Community Server - GPL). started with:
Tcp port: 3306  Unix socket: /var/run/mysqld/mysqld.sock
Time                 Id Command    Argument
2026-11-24T03:00:00.123456Z\t    8 Connect\tapp@localhost on shop using Socket
2026-11-24T03:00:00.123457Z\t    8 Query\tSELECT name
  FROM t

 WHERE id = 1
2026-11-24T03:00:00.123458Z\t    8 Prepare\tSELECT ?
2026-11-24T03:00:00.123459+01:00\t    8 Execute\tSELECT 5
2026-11-24T03:00:00.123460Z\t    8 Init DB\tshop
2026-11-24T03:00:00.123461Z\t    8 Quit\t
"""
FROM_MYSQL = [
    Query("8", None),
    Query("8", "SELECT name\n  FROM t\n\n WHERE id = 1"),
    Query("8", "SELECT 5"),
    Query("8", None),
]

MARIADB = """\
Time\t\t    Id Command\tArgument
261124  3:00:00\t     8 Connect\tapp@localhost on shop using TCP/IP
\t\t     8 Query\tSELECT 1
\t\t     9 Query\tSELECT 2
261124 13:00:01\t     8 Quit\t
"""
FROM_MARIADB = [
    Query("8", None),
    Query("8", "SELECT 1"),
    Query("9", "SELECT 2"),
    Query("8", None),
]

LINES = "SELECT 1;\n\n  -- a comment\nSELECT * FROM t WHERE note = 'LOG: x'\r\n"
FROM_LINES = [
    Query("", "SELECT 1;"),
    Query("", "-- a comment"),
    Query("", "SELECT * FROM t WHERE note = 'LOG: x'"),
]

SAMPLES = [
    ("postgresql", PLAIN, FROM_PLAIN),
    ("postgresql-csv", CSV, FROM_CSV),
    ("mysql", MYSQL, FROM_MYSQL),
    ("mysql", MARIADB, FROM_MARIADB),
    ("lines", LINES, FROM_LINES),
]


@pytest.mark.parametrize(("form", "text", "queries"), SAMPLES)
def test_a_format_is_seen_and_read(form, text, queries):
    lines = io.StringIO(text).readlines()
    assert detect(lines) == form
    assert list(read(iter(lines))) == queries
    assert list(read(iter(lines), form)) == queries


@pytest.mark.parametrize("form", [*FORMATS, None])
def test_an_empty_log_has_no_queries(form):
    assert list(read([], form)) == []


@pytest.mark.parametrize("form", FORMATS)
def test_any_text_can_be_read_as_any_format(form):
    noise = ["\x00\n", '"\n', "\t\n", "LOG:  \n", " 8 Query\n", "a,b\n", "no newline"]
    assert all(isinstance(query, Query) for query in read(noise, form))


PREFIXES = [
    ("2026-11-24 03:00:00 UTC [77]: [5-1] user=app,db=shop ", "[77]"),
    ("[77-5] ", "[77-5]"),
    ("6563a1b2.4d2 app ", "6563a1b2.4d2"),
    ("2026-11-24 app ", ""),
]


@pytest.mark.parametrize(("prefix", "session"), PREFIXES)
def test_the_session_is_found_in_usual_prefixes(prefix, session):
    [query] = read([f"{prefix}LOG:  statement: SELECT 1\n"])
    assert query == Query(session, "SELECT 1")
