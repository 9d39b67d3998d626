"""Deals the tables of one database over two, by rules and nothing else.

Lives in the process of a foreign suite. Whatever the suite's program connects to is
`home`; SUITES_RULES has the rules, by which tables are in `far`, the second database.
It is made when it is first needed.
"""

from __future__ import annotations

import json
import os
from typing import Any

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

FAR = "_far"  # added to the name of the first
# An application's operator would have what tables need on both servers.
EXTENSIONS = "bloom btree_gin btree_gist citext hstore pg_trgm pgcrypto unaccent"
RULES = json.loads(os.environ.get("SUITES_RULES", "{}"))


def document(dsn: str) -> dict[str, Any]:
    """Return a configuration for the database of `dsn` and its second one."""
    databases = {"home": {"nodes": [dsn]}, "far": {"nodes": [_far(dsn)]}}
    return {
        "default": "home",
        "databases": databases,
        "tables": RULES,
        "foreign_keys": "record",
    }


def _far(dsn: str) -> str:
    name = parse_dsn(dsn)["dbname"] + FAR
    made = psycopg2.connect(make_dsn(dsn, dbname="postgres"))
    made.autocommit = True
    with made.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        is_there = cursor.fetchone() is not None
        if not is_there:
            cursor.execute(f'CREATE DATABASE "{name}"')
    made.close()
    dsn = make_dsn(dsn, dbname=name)
    if not is_there:
        _extend(dsn)
    return dsn


def _extend(dsn: str) -> None:
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        for name in EXTENSIONS.split():
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
    connection.close()
