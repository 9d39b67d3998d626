"""In which database an index is, where a definition names it and no table.

PostgreSQL's and SQLite's DROP INDEX and ALTER INDEX do so. Where the program has not
said which database it means, the catalogs of all of the text's dialect are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from routedb import errors
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.transactions.aside import ask_aside
from routedb.routing.plan import ParsedText
from routedb.sharding import indexes_of
from routedb.sql.scanner.identifiers import quote_path
from routedb.sql.statement import Table

NAMED_ALONE = frozenset({"DROP INDEX", "ALTER INDEX"})


def learnt_there(session: Session, text: ParsedText) -> ParsedText:
    """Return `text`, which defines indexes in `session`, for the database that they are
    in. Raises ShardError where they are in several."""
    place = _database_of(session, text)
    if place is None:
        return text
    before = session.override(place, None, None)
    try:
        return session.learn(text.source)
    finally:
        session.restore_overrides(before)


def _database_of(session: Session, text: ParsedText) -> str | None:
    """Return what the catalogs say. None where the text names a table, the program says
    which is meant, there is one only, or no catalog has them: the default one says so
    then."""
    plan, config = text.plan, session.core.config
    has_index = _HAS_INDEX.get(plan.dialect)
    if has_index is None or plan.statement.tables or plan.placement.database:
        return None
    databases = [
        name for name, each in config.databases.items() if each.dialect == plan.dialect
    ]
    if len(databases) <= 1:
        return None
    found: dict[str, Table] = {}
    for index in indexes_of(text.scan):
        for name in databases:
            if _ask(session, name, partial(has_index, index=index)):
                found[name] = index
    if len(found) > 1:
        named = " and ".join(f"{index} in {name}" for name, index in found.items())
        raise errors.ShardError(
            f"{plan.statement.verb} names {named}: say which with using() or "
            "/* routedb: db=… */"
        )
    return next(iter(found), None)


def _ask(session: Session, database: str, ask: Callable[[Link], bool]) -> bool:
    group = session.core.config.databases[database].groups[0]  # as on every shard
    link = find_node.writer(session.links, group.id)
    return ask_aside(session.transaction, link, ask)


def _on_postgresql(link: Link, index: Table) -> bool:
    name = quote_path(index, "postgresql")
    literal = name.replace("\\", "\\\\").replace("'", "''")
    asked = f"relkind IN ('i', 'I') AND oid = pg_catalog.to_regclass(E'{literal}')"
    return bool(link.run(f"SELECT 1 FROM pg_catalog.pg_class WHERE {asked}"))


def _on_sqlite(link: Link, index: Table) -> bool:
    literal = index.name.replace("'", "''")
    asked = f"name = '{literal}' COLLATE NOCASE"
    return bool(
        link.run(f"SELECT 1 FROM sqlite_master WHERE type = 'index' AND {asked}")
    )


_HAS_INDEX = {"postgresql": _on_postgresql, "sqlite": _on_sqlite}
