"""Which database a table is in, and which databases have tables of an engine, by the
configuration of a connection: for ORMs, which ask catalogs about tables."""

from __future__ import annotations

from routedb.engine.session import Session
from routedb.sql.statement import Table


def place_of(session: Session, schema: str | None, table: str) -> str | None:
    """Return the database that the rules of `session` give to `table` of `schema`, else
    the default one; None where there is none."""
    rule = session.core.rules.rule_for(Table(schema, table))
    return rule.database if rule is not None else session.core.config.default


def places_of(session: Session, engine: str) -> list[str]:
    """Return the databases of `engine` in the configuration of `session`, the default
    one first; none where the program has said which is meant, or there is one."""
    config = session.core.config
    found = [
        name
        for name in dict.fromkeys([config.default, *config.databases])
        if name is not None and config.databases[name].dialect == engine
    ]
    is_one = session.database is not None or len(found) < 2  # noqa: PLR2004
    return [] if is_one else found
