"""Attributes of a virtual cursor that are, or go to, a raw cursor's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from psycopg2 import extensions as ext

from routedb.frontends.psycopg2.inherited_cursor import InheritedPsycopg2Cursor


def raw_attribute(name: str, before: Any = None) -> Any:
    """Return a property that shows the attribute `name` of the cursor that ran the last
    statement.

    `before` is its value when none has run one, as after a BEGIN that is not sent yet.
    """
    member = ext.cursor.__dict__[name]

    def get(self: Any) -> Any:
        raw = self.raw
        if raw is None and not self.name:
            return before
        if raw is None or isinstance(raw, InheritedPsycopg2Cursor):
            return member.__get__(self)
        return getattr(raw, name)

    return property(get, doc=member.__doc__)


def shared_attribute(name: str) -> Any:
    """Return a property that every raw cursor of this one has as well."""
    member = ext.cursor.__dict__[name]

    def put(self: Any, value: Any) -> None:
        member.__set__(self, value)
        for raw in _other_cursors(self):
            setattr(raw, name, value)

    return property(member.__get__, put, doc=member.__doc__)


def string_types_attribute() -> Any:
    """Return the property `string_types`: one dict for every raw cursor of this one, so
    that what `register_type` writes into it, in C, is there at once. On links to other
    databases types have other numbers: see `foreign_casters`."""
    member: Any = ext.cursor.__dict__["string_types"]

    def put(self: Any, value: Any) -> None:
        others = [raw for raw in _other_cursors(self) if not hasattr(raw, "casters")]
        casters = {} if others and value is None else value
        member.__set__(self, casters)
        for raw in others:
            raw.string_types = casters

    return property(member.__get__, put, doc=member.__doc__)


def row_factory_attribute() -> Any:
    """Return the property `row_factory`: raw cursors make rows as the virtual one."""
    member: Any = ext.cursor.__dict__["row_factory"]

    def put(self: Any, value: Any) -> None:
        member.__set__(self, value)
        for raw in _other_cursors(self):
            raw.row_factory = row_factory_for(self)

    return property(member.__get__, put, doc=member.__doc__)


def row_factory_for(cursor: Any) -> Callable[[Any], Any] | None:
    """Return the row factory of a raw cursor, None when the virtual one has none. It is
    called with the virtual one."""
    if cursor.row_factory is None:
        return None
    known = ref(cursor)

    def make(_: Any) -> Any:
        alive = known()
        assert alive is not None  # it is fetching
        return alive.row_factory(alive)

    return make


def _other_cursors(cursor: Any) -> list[Any]:
    """Return the raw cursors that are objects of their own; a cursor class of the
    user's may set attributes before the virtual cursor is initialized."""
    raws = (*getattr(cursor, "raw_cursors", {}).values(),)
    raws += (getattr(cursor, "fetching_from", None),)
    return [
        raw
        for raw in raws
        if raw is not None and not isinstance(raw, InheritedPsycopg2Cursor)
    ]
