"""The user's functions in a statement over several groups: the same on all of them?

One that every group has with the same definition, and that depends on its arguments
alone, gives the same on any of them, so it may be called where its rows are. What it
depends on is its own word: IMMUTABLE, DETERMINISTIC. One that is STABLE may read
tables, and of those each group has its own rows: it may, too, where its body certainly
reads none. All others are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.transactions.aside import ask_aside
from routedb.merge.refused import NotMerged
from routedb.merge.table_answer import Ask, quoted
from routedb.planner import Cluster
from routedb.routing.plan import ParsedText
from routedb.sql import classify
from routedb.sql.statement import Table

_POSTGRESQL = """
SELECT p.provolatile::text, p.prosrc, p.prokind = 'f' AND NOT p.proretset,
    CASE WHEN p.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(p.oid) END
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = {name}
    AND CASE WHEN {schema} IS NULL THEN pg_catalog.pg_function_is_visible(p.oid)
        ELSE n.nspname = {schema} END
ORDER BY pg_catalog.pg_get_function_identity_arguments(p.oid)
"""
_MYSQL = """
SELECT IS_DETERMINISTIC, ROUTINE_DEFINITION, SQL_DATA_ACCESS, CONCAT_WS('|',
    DTD_IDENTIFIER, SECURITY_TYPE, SQL_MODE, (
        SELECT GROUP_CONCAT(PARAMETER_NAME, ' ', DTD_IDENTIFIER
            ORDER BY ORDINAL_POSITION)
        FROM information_schema.PARAMETERS
        WHERE SPECIFIC_SCHEMA = ROUTINE_SCHEMA AND SPECIFIC_NAME = ROUTINE_NAME))
FROM information_schema.ROUTINES
WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_NAME = {name}
    AND ROUTINE_SCHEMA = COALESCE({schema}, DATABASE())
"""
# What may read a table, or call what does.
_MAY_READ = re.compile(r"\b(?:FROM|JOIN|TABLE|EXECUTE|PERFORM|CALL|INTO)\b|\(", re.I)


class _Said(NamedTuple):
    """What one group says of a function: `why` is the reason not to call it there."""

    definition: str
    why: str


def known_functions(
    session: Session, text: ParsedText, cluster: Cluster
) -> dict[str, str]:
    """Return what is known of functions, the configuration's word among it, for the
    plan of `text`, whose tables are where `cluster` says, in `session`.

    Raises NotMerged for one that not all groups have, that differs between them, or
    that depends on more than its arguments; and what the driver raises.
    """
    config, dialect = session.core.config, text.plan.dialect
    known = dict(config.functions)
    asks = text.plan.statement.asks
    if known and dialect in _ASKED:  # there are those that the configuration knows
        asks = classify(text.source, dialect).asks
    if not asks or dialect not in _ASKED:
        return known
    names = {placement.database for placement in cluster.tables.values()}
    databases = [config.databases[name] for name in sorted(names)]
    databases = [each for each in databases if each.dialect == dialect]
    if not databases:  # it is worked out there
        databases = [config.default_database]
    for function in asks:
        said: dict[str, _Said | None] = {}
        for database in databases:
            for number, group in enumerate(database.groups):
                link = find_node.writer(session.links, group.id)
                ask = partial(_said_by, function)
                name = f"{database.name}[{number}]"
                said[name] = ask_aside(session.transaction, link, ask)
        _check(function, said)
        known[str(function).lower()] = "read"
    return known


def _check(function: Table, said: dict[str, _Said | None]) -> None:
    missing = [name for name, each in said.items() if each is None]
    if missing:
        raise NotMerged(f"function {function} is not on {', '.join(missing)}")
    first, *others = said.items()
    for name, each in others:
        if each != first[1]:
            raise NotMerged(
                f"function {function} is defined otherwise on {name} than on {first[0]}"
            )
    assert first[1] is not None  # none is missing
    if first[1].why:
        raise NotMerged(f"function {function} {first[1].why}")


def _said_by(function: Table, link: Link) -> _Said | None:
    return _ASKED[link.adapter.dialect](link.run, function)


def _postgresql(ask: Ask, function: Table) -> _Said | None:
    found = _run(ask, _POSTGRESQL, function)
    if not found:
        return None
    whys = [_why(row[0], row[1], bool(row[2])) for row in found]
    why = next((each for each in whys if each), "")
    return _Said("\n".join(str(row[3]) for row in found), why)


def _why(volatility: str, body: str, is_plain: bool) -> str:
    if not is_plain:
        return "is an aggregate, or gives sets of rows, of the user's"
    if volatility == "v":
        return "is VOLATILE, and rows of several groups would call it in several places"
    if volatility == "s" and _MAY_READ.search(body):
        return (
            "is STABLE, so that it may read tables, of which each group has its own "
            "rows: declare it IMMUTABLE where it depends on its arguments alone"
        )
    return ""


def _mysql(ask: Ask, function: Table) -> _Said | None:
    found = [[_text(each) for each in row] for row in _run(ask, _MYSQL, function)]
    if not found:
        return None
    ((deterministic, body, access, rest),) = found
    why = ""
    if deterministic != "YES" or access.endswith("SQL DATA"):
        why = f"is {'NOT ' * (deterministic != 'YES')}DETERMINISTIC and {access}"
    elif not body:
        why = "does not show its definition to the user"
    return _Said(f"{body}|{rest}", why)


def _run(ask: Ask, sql: str, function: Table) -> list[tuple[str, ...]]:
    schema = "NULL" if function.schema is None else quoted(function.schema)
    if "\\" in str(function):
        raise NotMerged(f"function {function} has a backslash in its name")
    return ask(sql.format(name=quoted(function.name), schema=schema))


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""


_ASKED: dict[str, Callable[[Ask, Table], _Said | None]] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
}
