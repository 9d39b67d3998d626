"""ORMs that speak PostgreSQL, on tables that live in MariaDB: no answer is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, exc, select
from sqlalchemy.orm import Session

from tests.live.integrations import legacy_django, legacy_queries
from tests.live.integrations.legacy_queries import CHANGES, SELECTS, UNITS, Base
from tests.live.integrations.legacy_tables import (
    MYSQL,
    POSTGRESQL,
    configuration,
    make,
)

PASSED = 0.9  # of all, at least


@pytest.fixture
def places(postgresql, mariadb):
    """A default database without the tables, MariaDB with them, and one with all."""
    with (
        postgresql.database() as main,
        postgresql.database() as one,
        mariadb.database() as old,
    ):
        make(old.writer_dsn, MYSQL)
        make(one.writer_dsn, POSTGRESQL)
        yield main.writer_dsn, old.writer_dsn, one.writer_dsn


def test_sqlalchemy(places):
    main, old, one = places
    source = configuration(main, old)
    routed = create_engine("routedb+postgresql://", connect_args={"source": source})
    plain = create_engine(one.replace("postgresql://", "postgresql+psycopg2://"))
    found: Counter[str] = Counter()
    told: list[str] = []
    with Session(routed) as ours, Session(plain) as theirs:
        for how in [*map(_executing, [*SELECTS, *CHANGES]), *UNITS]:
            got = _outcome(ours, how)
            expected = _outcome(theirs, how, keeps=got[0] != "refused")
            word = _compared(got, expected)
            if _rows(ours) != _rows(theirs):
                word = "wrong"
            found[word] += 1
            if word != "passed":
                told.append(f"{word}: {got} for {expected}")
    routed.dispose()
    plain.dispose()
    _check("SQLAlchemy", found, told)


def _executing(statement: Any) -> Callable[[Any], Any]:
    def execute(session: Session) -> Any:
        result: Any = session.execute(statement)
        if not getattr(result, "returns_rows", True):
            return result.rowcount
        rows = result.unique().all()
        is_ordered = "ORDER BY" in str(statement)
        seen = [tuple(map(_plain, row)) for row in rows]
        return (list(result.keys()), seen if is_ordered else sorted(seen, key=repr))

    return execute


def _plain(value: Any) -> Any:
    if isinstance(value, Base):
        columns = [getattr(value, each.key) for each in value.__table__.columns]
        loaded = value.__dict__.get("purchases", ())
        return (*map(_plain, columns), *(purchase.id for purchase in loaded))
    return type(value).__name__, repr(value)


def _outcome(session: Session, how: Callable[[Any], Any], keeps: bool = True) -> Any:
    """Return what is seen of a query, or the class of its error, in a transaction that
    is committed where the query succeeded, and `keeps` what it did."""
    session.expunge_all()
    try:
        seen = how(session)
        session.commit() if keeps else session.rollback()
    except exc.NotSupportedError as error:
        session.rollback()
        return "refused", str(error.orig)
    except exc.DBAPIError as error:
        session.rollback()
        return "error", type(error).__name__
    return "seen", seen


def _rows(session: Session) -> list[Any]:
    """Return all rows, without numbers: one that a failed statement took is not given
    again, and fewer of these reach MariaDB."""
    columns = [each for each in legacy_queries.Cc if each.key != "id"]
    of = legacy_queries.Customer.name, legacy_queries.Pp.total, legacy_queries.Pp.note
    bought = select(*of).join(legacy_queries.Customer.purchases, isouter=True)
    found = [session.execute(each).all() for each in (select(*columns), bought)]
    session.rollback()
    return [sorted(map(repr, rows)) for rows in found]


def _compared(got: Any, expected: Any) -> str:
    if got[0] == "refused" and expected[0] != "refused":
        return "refused"
    return "passed" if got == expected else "wrong"


def _check(name: str, found: Counter[str], told: list[str]) -> None:
    total = sum(found.values())
    print(f"{name}: {total} queries, {dict(found)}", *told, sep="\n")
    assert not found["wrong"], told
    assert found["passed"] >= PASSED * total, told


def test_django(places):
    main, old, one = places
    databases = {
        "default": {
            "ENGINE": "routedb.integrations.django.postgresql",
            "OPTIONS": {"routedb": configuration(main, old)},
        },
        "plain": {"ENGINE": "routedb.integrations.django.postgresql",
                  "OPTIONS": {"routedb": {"nodes": [one]}}},
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, legacy_django.__file__, json.dumps(databases)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    outcomes = json.loads(ran.stdout)
    found: Counter[str] = Counter()
    told = []
    for name, got, expected in outcomes:
        word = _compared(got, expected)
        found[word] += 1
        if word != "passed":
            told.append(f"{word}: {name}: {got} for {expected}")
    _check("Django", found, told)
