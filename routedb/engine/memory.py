"""What a statement leaves behind in the session, kept so that every link shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from routedb.engine.link import Link
from routedb.engine.plan import Text
from routedb.engine.session import Session
from routedb.session.settings import Setting
from routedb.sql.statement import SessionEffect

# RESET ALL leaves these as they are (PostgreSQL manual, RESET and SET ROLE).
_KEPT_BY_RESET = frozenset({"role", "session_authorization"})

# The name in set_config('name', …): literals are masked in the shape, and without the
# name every call would add a line to the replay log.
_CONFIG_NAME = re.compile(r"set_config\s*\(\s*'([^']+)'", re.IGNORECASE)


def note(d: Session, link: Link | None, text: Text, params: Any) -> None:
    """Take note of the effects of a statement that has succeeded on `link`."""
    if link is None:
        return
    for effect in text.plan.statement.session:
        action = _ACTIONS.get(effect)
        if action is not None:
            action(d, link, text, params)


def _set(d: Session, link: Link, text: Text, params: Any) -> None:
    _add(d, link, text, params, None)


def _use(d: Session, link: Link, text: Text, params: Any) -> None:
    """USE names a schema of that database's servers; others may not have it."""
    _add(d, link, text, params, link.node.database)


def _add(d: Session, link: Link, text: Text, params: Any, database: str | None) -> None:
    engine = link.node.engine
    setting = Setting(engine, text.source, params, _names(text, params), database)
    is_postgresql = link.adapter.dialect == "postgresql"
    is_undone_by_rollback = is_postgresql and d.transaction.is_open
    d.links.settings.add(setting, is_undone_by_rollback)
    if not is_undone_by_rollback:
        d.links.changed(link)


def _reset(d: Session, link: Link, text: Text, params: Any) -> None:
    names = text.plan.statement.settings
    if names and "*" not in names and "all" not in names:
        _set(d, link, text, params)
        return
    d.links.settings.clear(link.node.engine, text.source, _KEPT_BY_RESET)
    d.links.changed(link)


def _discard(d: Session, link: Link, text: Text, params: Any) -> None:
    """DISCARD ALL empties the session; DISCARD PLANS, TEMP, SEQUENCES only parts."""
    if text.plan.statement.verb.upper() in ("DISCARD", "DISCARD ALL"):
        d.links.settings.clear(link.node.engine, text.source)
        d.links.changed(link)
    link.pins.clear()


def _pin(what: str) -> Callable[[Session, Link, Text, Any], None]:
    def pin(d: Session, link: Link, text: Text, params: Any) -> None:
        link.pins.add(what)

    return pin


def _names(text: Text, params: Any) -> tuple[str, ...]:
    names = text.plan.statement.settings
    if "*" not in names:
        return names
    found = _CONFIG_NAME.search(text.source)
    if found is not None:
        return (found.group(1).lower(),)
    if isinstance(params, list | tuple) and params and isinstance(params[0], str):
        return (params[0].lower(),)
    return names


_ACTIONS: dict[SessionEffect, Callable[[Session, Link, Text, Any], None]] = {
    SessionEffect.SET: _set,
    SessionEffect.RESET: _reset,
    SessionEffect.DISCARD: _discard,
    SessionEffect.USE: _use,
    SessionEffect.TEMP: _pin("a temporary table"),
    SessionEffect.PREPARE: _pin("a prepared statement"),
    SessionEffect.LISTEN: _pin("LISTEN"),
    SessionEffect.LOCK: _pin("a session lock"),
    SessionEffect.VARIABLE: _pin("session variables"),
}
