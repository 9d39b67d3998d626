"""Attributes of a virtual cursor that are, or go to, a raw cursor's."""

from __future__ import annotations

from typing import Any

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
        if raw is None or type(raw) is InheritedPsycopg2Cursor:
            return member.__get__(self)
        return getattr(raw, name)

    return property(get, doc=member.__doc__)


def shared_attribute(name: str) -> Any:
    """Return a property that every raw cursor of this one has as well."""
    member = ext.cursor.__dict__[name]

    def get(self: Any) -> Any:
        return member.__get__(self)

    def put(self: Any, value: Any) -> None:
        member.__set__(self, value)
        for raw in (*self.raw_cursors.values(), self.fetching_from):
            if raw is not None and type(raw) is not InheritedPsycopg2Cursor:
                setattr(raw, name, value)

    return property(get, put, doc=member.__doc__)
