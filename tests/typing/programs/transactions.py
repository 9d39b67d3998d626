"""Transactions and errors."""

from __future__ import annotations

from psycopg2 import extensions
from typing_extensions import assert_type

import routedb


def properties(conn: routedb.Connection) -> None:
    assert_type(conn.autocommit, bool)
    assert_type(conn.in_transaction, bool)
    assert_type(conn.readonly, bool | None)
    assert_type(conn.isolation_level, str | int | None)
    assert_type(conn.closed, int)
    conn.isolation_level = extensions.ISOLATION_LEVEL_SERIALIZABLE
    conn.isolation_level = "serializable"
    conn.set_session(isolation_level=3, readonly=True, autocommit=False)
    assert_type(conn.commit(), None)
    assert_type(conn.rollback(), None)
    conn.autocommit = "no"  # type: ignore[assignment]
    conn.set_session(readonly=5)  # type: ignore[arg-type]
    conn.is_closed = True  # type: ignore[misc]


def errors(conn: routedb.Connection) -> None:
    try:
        conn.commit()
    except routedb.TransactionLost as lost:
        assert_type(lost, routedb.TransactionLost)
        assert_type(lost.retry_is_safe, bool)
    except routedb.OutcomeUnknown as unknown:
        assert_type(unknown.retry_is_safe, bool)
    except (routedb.ShardError, routedb.CrossDatabaseError) as refused:
        error: routedb.NotSupportedError = refused
        raise RuntimeError("refused") from error
    except conn.IntegrityError as broken:
        assert_type(broken, Exception)


def tree() -> None:
    kinds: list[type[routedb.OperationalError]] = [
        routedb.NoNodeError,
        routedb.SplitBrain,
        routedb.TransactionLost,
        routedb.OutcomeUnknown,
    ]
    assert kinds
    wrong: type[routedb.OperationalError] = routedb.ShardError  # type: ignore[assignment]
    assert wrong
