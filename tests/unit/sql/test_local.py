"""Statements that ask a server about itself."""

from __future__ import annotations

import pytest

from routedb.sql import classify

LOCAL = [
    ("postgresql", "SELECT count(*) FROM pg_stat_activity"),
    ("postgresql", "SELECT * FROM pg_catalog.pg_locks l JOIN t ON t.k = l.pid"),
    ("postgresql", "SELECT gid FROM PG_Prepared_Xacts"),
    ("postgresql", "SELECT 1 WHERE EXISTS (SELECT 1 FROM pg_statio_user_tables)"),
    ("mysql", "SELECT * FROM performance_schema.threads"),
    ("mysql", "SELECT * FROM INFORMATION_SCHEMA.PROCESSLIST"),
    ("mysql", "SELECT * FROM information_schema.innodb_trx"),
]
OF_THE_DATA = [
    ("postgresql", "SELECT * FROM pg_stats"),
    ("postgresql", "SELECT * FROM pg_statistic"),
    ("postgresql", "SELECT * FROM pg_class JOIN pg_namespace n ON n.oid = 1"),
    ("mysql", "SELECT * FROM information_schema.tables"),
    ("mysql", "SELECT * FROM processlist"),
    ("sqlite", "SELECT * FROM sqlite_master"),
]


@pytest.mark.parametrize(("dialect", "sql"), LOCAL)
def test_views_of_a_server_tell_of_it_alone(dialect, sql):
    found = classify(sql, dialect)
    assert (found.read_only, found.reads_server_views) == (True, True)


@pytest.mark.parametrize(("dialect", "sql"), OF_THE_DATA)
def test_other_catalogs_are_replicated(dialect, sql):
    found = classify(sql, dialect)
    assert (found.read_only, found.reads_server_views) == (True, False)
