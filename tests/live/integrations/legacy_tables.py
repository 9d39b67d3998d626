"""The tables of a legacy MySQL, and the same ones in PostgreSQL, with the same rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import routedb

MYSQL = [
    "CREATE TABLE customer (id int AUTO_INCREMENT PRIMARY KEY, name varchar(50) NOT "
    "NULL, city varchar(50), score int, joined date, seen datetime(6), "
    "balance decimal(10,2), ratio double) COLLATE utf8mb4_general_ci",
    "CREATE TABLE purchase (id int AUTO_INCREMENT PRIMARY KEY, customer_id int NOT "
    "NULL, total decimal(10,2) NOT NULL, note longtext, UNIQUE (customer_id, total)) "
    "COLLATE utf8mb4_general_ci",
]
POSTGRESQL = [
    "CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL, city text, "
    "score int, joined date, seen timestamp(6), balance numeric(10,2), ratio float8)",
    "CREATE TABLE purchase (id serial PRIMARY KEY, customer_id int NOT NULL, "
    "total numeric(10,2) NOT NULL, note text, UNIQUE (customer_id, total))",
]
_NAMES = ["Ada", "ada", "Bob", "Çelik", "D'Arcy", "eve ", "Eve", "100%", "back\\slash"]
_CITIES = ["Oslo", "oslo", None, "Rome", ""]


def make(dsn: str, ddl: list[str]) -> None:
    """Make the tables behind `dsn`, and fill them."""
    raw: Any = routedb.connect(dsn)
    cursor = raw.cursor()
    for sql in ddl:
        cursor.execute(sql)
    for n in range(27):
        row = (
            _NAMES[n % len(_NAMES)],
            _CITIES[n % len(_CITIES)],
            None if n % 7 == 0 else n * 13 % 29,
            date(2020, 1, 1) + timedelta(days=n * 40),
            datetime(2021, 3, 1, 12) + timedelta(hours=n * 7, microseconds=n),
            Decimal(n * 1001) / 100,
            n / 7,
        )
        cursor.execute(
            "INSERT INTO customer (name, city, score, joined, seen, balance, ratio) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            row,
        )
    for n in range(40):
        note = None if n % 3 == 0 else f"note {n % 5}"
        cursor.execute(
            "INSERT INTO purchase (customer_id, total, note) VALUES (%s, %s, %s)",
            (n * 5 % 27 + 1, Decimal(n * 7 % 31) + Decimal("0.5"), note),
        )
    raw.commit()
    raw.close()


def configuration(main: str, old: str) -> dict[str, Any]:
    """Return a default database on PostgreSQL, and those tables in MariaDB."""
    return {
        "default": "main",
        "databases": {"main": {"nodes": [main]}, "old": {"nodes": [old]}},
        "tables": {"customer": "old", "purchase": "old"},
    }
