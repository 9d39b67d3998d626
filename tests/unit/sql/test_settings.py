"""SET, RESET, USE, PRAGMA and their kin."""

from __future__ import annotations

import pytest

from routedb.sql import classify

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET search_path TO a, b", "session; session set"),
        ("SET SESSION search_path = a", "session; session set"),
        ("SET LOCAL work_mem = '1MB'", "session; session local"),
        ("SET TIME ZONE 'UTC'", "session; session set"),
        ("SET NAMES 'utf8'", "session; session set"),
        ("SET ROLE u", "session; session set"),
        ("SET SESSION AUTHORIZATION u", "session; session set"),
        ("SET my.own = 'x'", "session; session set"),
        ("SET search_path TO DEFAULT", "session; session reset"),
        ("SET CONSTRAINTS ALL DEFERRED", "session; session local"),
        ("RESET search_path", "session; session reset"),
        ("RESET ALL", "session; session reset"),
        ("RESET ROLE", "session; session reset"),
        ("DISCARD ALL", "session; session discard"),
        ("DISCARD TEMP", "session; session temp"),
        ("DISCARD PLANS", "session; session prepare"),
        ("DISCARD SEQUENCES", "session; session variable"),
        ("SELECT set_config('search_path', 'a', false)", "session; session set"),
        ("SELECT set_config('search_path', 'a', true)", "session; session local"),
        (
            "SELECT set_config('search_path', 'a', true), set_config('x', 'y', false)",
            "session; session local, set",
        ),
    ],
)
def test_postgresql_settings(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET x = 1", "session; session set"),
        ("SET @v = 1", "session; session variable"),
        (
            "SET @v = (SELECT max(x) FROM a), sql_mode = ''",
            "session: a; session variable, set",
        ),
        ("SET @v := f(1)", "session; session variable"),
        ("SET SESSION sql_mode = ''", "session; session set"),
        ("SET LOCAL sql_mode = ''", "session; session set"),
        ("SET @@sql_mode = ''", "session; session set"),
        ("SET @@session.sql_mode = '', time_zone = '+00:00'", "session; session set"),
        ("SET GLOBAL max_connections = 1", "ddl"),
        ("SET @@global.max_connections = 1", "ddl"),
        ("SET PERSIST max_connections = 1", "ddl"),
        ("SET NAMES utf8mb4 COLLATE utf8mb4_bin", "session; session set"),
        ("SET CHARACTER SET utf8", "session; session set"),
        ("SET ROLE r", "session; session set"),
        ("SET DEFAULT ROLE r", "ddl; tx commit"),
        ("SET PASSWORD = 'x'", "ddl; tx commit"),
        ("SET autocommit = 0", "transaction; tx autocommit off"),
        ("SET autocommit = 1", "transaction; tx autocommit on"),
        ("SET @@session.autocommit = ON", "transaction; tx autocommit on"),
        ("SET TRANSACTION READ ONLY", "transaction; tx set transaction"),
        (
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
            "transaction; tx set transaction",
        ),
        (
            "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "session; tx set session characteristics; session set",
        ),
        ("SET GLOBAL TRANSACTION READ ONLY", "ddl"),
        (
            "SET SESSION transaction_read_only = 1",
            "session; tx set session characteristics; session set",
        ),
        (
            "SET @@transaction_isolation = 'READ-COMMITTED'",
            "session; tx set transaction; session set",
        ),
        (
            "SET tx_isolation = 'SERIALIZABLE'",
            "session; tx set session characteristics; session set",
        ),
        ("SET STATEMENT max_statement_time = 1 FOR SELECT * FROM a", "plain read: a"),
        ("SET STATEMENT max_statement_time = 1 FOR UPDATE a SET x = 1", "write: +a"),
        ("SET STATEMENT max_statement_time = 1 FOR DELETE FROM a", "write: +a"),
        (
            "SET STATEMENT max_statement_time = 1 FOR SELECT * FROM a FOR UPDATE",
            "lock: a",
        ),
        ("SET STATEMENT x = 1 FOR CALL p()", "call"),
        ("SET STATEMENT x = 1 FOR DROP TABLE a", "ddl: +a; tx commit"),
        ("USE db", "session; session use"),
        ("USE `my db`", "session; session use"),
        ("RESET MASTER", "ddl"),
        ("RESET QUERY CACHE", "ddl"),
    ],
)
def test_mysql_settings(sql, expected):
    assert seen(sql, "mysql") == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("PRAGMA table_info(a)", "plain read: a"),
        ("PRAGMA main.table_info('a')", "plain read: main.a"),
        ("PRAGMA index_list(a)", "plain read: a"),
        ("PRAGMA foreign_keys", "plain read"),
        ("PRAGMA foreign_keys = ON", "session; session set"),
        ("PRAGMA busy_timeout(5)", "session; session set"),
        ("PRAGMA journal_mode", "plain read"),
        ("PRAGMA journal_mode = WAL", "write"),
        ("PRAGMA user_version", "plain read"),
        ("PRAGMA user_version = 3", "write"),
        ("PRAGMA main.user_version(3)", "write"),
        ("PRAGMA wal_checkpoint", "write"),
        ("PRAGMA wal_checkpoint(TRUNCATE)", "write"),
        ("PRAGMA optimize", "write"),
        ("PRAGMA incremental_vacuum(5)", "write"),
        ("PRAGMA writable_schema = 1", "session; session set"),
        ("PRAGMA integrity_check", "plain read"),
        ("PRAGMA data_version", "plain read"),
        ("PRAGMA shrink_memory", "session; session set"),
        ("PRAGMA", "plain read"),
        ("PRAGMA s.table_info(a)", "plain read: s.a"),
        ("PRAGMA index_info('i')", "plain read"),
        ("PRAGMA foreign_key_check", "plain read"),
        ("PRAGMA table_info = a", "plain read: a"),
    ],
)
def test_a_pragma_asks_sets_or_writes(sql, expected):
    assert seen(sql, "sqlite") == expected


@pytest.mark.parametrize(
    ("sql", "dialect", "settings"),
    [
        ("SET Work_Mem = '1MB'", "postgresql", ("work_mem",)),
        ("SET my.own TO 1", "postgresql", ("my.own",)),
        ("SET TIME ZONE 'UTC'", "postgresql", ("timezone",)),
        ("SET SCHEMA 'a'", "postgresql", ("search_path",)),
        ("SET SESSION AUTHORIZATION u", "postgresql", ("session_authorization",)),
        ("RESET ALL", "postgresql", ("*",)),
        ("RESET ROLE", "postgresql", ("role",)),
        ("SELECT set_config('a', 'b', false)", "postgresql", ("*",)),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "postgresql",
            ("default_transaction_read_only",),
        ),
        ("SET NAMES utf8mb4", "mysql", ("names",)),
        (
            "SET sql_mode = 1, @@session.Time_Zone = 2",
            "mysql",
            ("sql_mode", "time_zone"),
        ),
        ("PRAGMA Foreign_Keys = ON", "sqlite", ("foreign_keys",)),
    ],
)
def test_the_names_of_settings_are_known(sql, dialect, settings):
    assert classify(sql, dialect).settings == settings
