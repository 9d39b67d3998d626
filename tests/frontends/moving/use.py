"""What the tests here do with a connection, and the rows of the page that they try."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2 import extras

from tests.docs.documentation import DOCS
from tests.frontends.home import Home

PATIENCE_S = 10.0
READ = "SELECT name FROM t WHERE id = 1"
PID = "SELECT pg_backend_pid() FROM t WHERE id = 1"
INSERT = "INSERT INTO t VALUES (%s, 'x')"
ROW = re.compile(r"^   \* - (``.*(?:\n       .*)*)\n     - ", re.MULTILINE)

Case = Callable[[Any, Home], object]


class Shouting(extras.DictCursor):
    """A program's own cursor class."""


def rows(chapter: str) -> list[list[str]]:
    """Return the attributes that each row of a chapter's table is about."""
    page = (DOCS / "moving-from-psycopg2.rst").read_text("utf-8")
    table = page.partition(f"\n{chapter}\n---")[2].partition("\nMore than")[0]
    return [re.findall(r"``(\w+)``", row) for row in ROW.findall(table)]


def public(kind: type) -> set[str]:
    """Return what psycopg2 documents of a class, but for its names of exceptions."""
    names = {name for name in dir(kind) if not name.startswith("_")}
    return {name for name in names if not hasattr(psycopg2, name)}


def on_replica(conn: Any, text: str = READ, **how: Any) -> Any:
    """Run a plain read, see that a replica answers, as soon as one holds what the
    writer has shown, and return the cursor."""
    over = time.monotonic() + PATIENCE_S
    while True:
        cursor = conn.cursor(**how)
        cursor.execute(text)
        if cursor.node.name.startswith("replica"):
            return cursor
        assert time.monotonic() < over, cursor.route
        cursor.close()
        if not conn.autocommit:
            conn.rollback()
        time.sleep(0.05)


def one(conn: Any, text: str) -> Any:
    """Run a query and return its only value."""
    cursor = conn.cursor()
    cursor.execute(text)
    return cursor.fetchone()[0]


def end_all(conn: Any, home: Home) -> None:
    """End the session behind the identity handle."""
    home.run("SELECT pg_terminate_backend(%s, 10000)", (conn.get_backend_pid(),))
