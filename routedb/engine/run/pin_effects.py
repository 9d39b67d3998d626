"""What a statement that has succeeded makes and ends of what lives on one node."""

from __future__ import annotations

from typing import Any

from routedb.adapters.base import AUTOCOMMIT
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.routing.affinity import object_key
from routedb.routing.plan import ParsedText
from routedb.session.pins import UNDONE_FREED, UNDONE_MADE, Pins
from routedb.sql import Statement
from routedb.sql.session_objects import EVERY, ObjectKind, SessionObject


def note_pins(
    session: Session, link: Link, text: ParsedText, params: Any, undoes: bool
) -> None:
    """Take note of what `text`, which has succeeded on `link` with `params`, makes and
    ends.

    `undoes`: a rollback of the transaction it ran in can undo some of that.
    """
    pins, statement = session.links.pins, text.plan.statement
    for obj in statement.frees:
        _free(session, link, text, params, obj, undoes and obj.kind in UNDONE_FREED)
    for old, new in statement.renames:
        _rename(pins, link, old, new, undoes)
    is_over = statement.is_dropped_on_commit and not undoes
    for obj in () if is_over else _made(statement, pins, link):
        if obj.kind is ObjectKind.BACKEND:  # no pin: others may ask for it, too
            number = link.adapter.backend_id(link.raw)
            session.core.backends.tell(link.adapter.dialect, number, link.id)
            continue
        is_undone = undoes and obj.kind in UNDONE_MADE
        is_dropped_on_commit = (
            statement.is_dropped_on_commit and obj.kind is ObjectKind.TABLE
        )
        pins.hold(
            obj, link.id, object_key(text, params), is_undone, is_dropped_on_commit
        )


def _made(statement: Statement, pins: Pins, link: Link) -> tuple[SessionObject, ...]:
    """A view on a temporary table is temporary, whether it says so or not (PostgreSQL
    manual, CREATE VIEW)."""
    if statement.verb == "CREATE VIEW" and link.adapter.dialect == "postgresql":
        *_, made = statement.writes or (None,)
        sources = {t.name for t in statement.tables if t != made}
        if made is not None and not pins.names.isdisjoint(sources):
            return (SessionObject(ObjectKind.VIEW, made.name),)
    return statement.holds


def _free(
    session: Session,
    link: Link,
    text: ParsedText,
    params: Any,
    obj: SessionObject,
    is_undone: bool,
) -> None:
    """Ending all of a kind ends those on other links, too."""
    pins = session.links.pins
    if obj.name == EVERY and text.plan.statement.parts == 1:
        nodes = {held.node for held in pins.find(obj)} - {link.id}
        for other in [session.open[node] for node in nodes if node in session.open]:
            if other.adapter is link.adapter:
                other.set_mode(AUTOCOMMIT)
                other.run(text.source)
                pins.free(obj, other.id)
    pins.free(obj, link.id, object_key(text, params), is_undone)


def _rename(pins: Pins, link: Link, old: str, new: str, is_undone: bool) -> None:
    for held in pins.find(SessionObject(ObjectKind.TABLE, old)):
        if held.node == link.id:
            pins.free(held.obj, link.id, is_undone=is_undone)
            pins.hold(SessionObject(held.obj.kind, new), link.id, is_undone=is_undone)
