"""What each adapter says of its dialect's sessions."""

from __future__ import annotations

from sqlite3 import connect

import pytest

from routedb.adapters import fake
from routedb.adapters.base import Adapter
from routedb.adapters.mysql import mysqlclient
from routedb.adapters.postgresql import psycopg2
from routedb.adapters.sqlite import sqlite3
from routedb.cli.null_adapter import NullAdapter

ADAPTERS: list[Adapter] = [
    psycopg2.ADAPTER,
    mysqlclient.ADAPTER,
    sqlite3.ADAPTER,
    fake.ADAPTER,
]


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.engine)
def test_the_dry_run_has_the_facts_of_the_dialect(adapter):
    null = NullAdapter(adapter.dialect)
    for name in (
        "rollback_undoes_settings",
        "rollback_undoes_objects",
        "script_is_transaction",
        "begins_before_some_writes",
    ):
        assert getattr(null, name) is getattr(adapter, name), name


def test_a_setting_is_given_to_another_session():
    assert psycopg2.ADAPTER.setting_text("work_mem", "1MB") == (
        "SELECT pg_catalog.set_config('work_mem', %s, false)",
        ("1MB",),
    )
    assert mysqlclient.ADAPTER.setting_text("sql_mode", "") == (
        "SET SESSION sql_mode = %s",
        ("",),
    )


def test_sqlite_reads_and_sets_by_pragma(tmp_path):
    adapter = sqlite3.ADAPTER
    raw = connect(tmp_path / "a.db")
    adapter.run(raw, "PRAGMA cache_size = 17")
    assert adapter.ask_setting(raw, "cache_size") == 17
    assert adapter.ask_setting(raw, "no_such_pragma") is None
    assert adapter.setting_text("cache_size", 17) == ("PRAGMA cache_size = 17", None)
    raw.close()
