"""Raw cursors on links other than the identity handle, set up as the virtual one is."""

from __future__ import annotations

from typing import Any
from weakref import ref

from routedb.adapters.postgresql.link_cursor import JoiningCursor, LinkCursor
from routedb.engine.links.link import Link
from routedb.frontends.psycopg2.cursor_attributes import row_factory_for
from routedb.frontends.psycopg2.foreign_casters import ForeignCasters
from routedb.frontends.psycopg2.identity import IdentityConnection
from routedb.frontends.psycopg2.inherited_connection import InheritedConnection


class ForeignCursor(JoiningCursor):
    """A raw cursor on a link to another database. A transaction that has begun
    elsewhere begins here with the first statement.

    A caster that makes values of others, such as a composite's, asks its cursor for
    these by the numbers of the default database: the virtual cursor knows them.
    """

    __slots__ = ("casters",)

    casters: ForeignCasters
    link: Link
    virtual_cursor: Any

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run `query` with parameters `vars`, by what is registered by now."""
        self.renew_casters()
        super().execute(query, vars)

    def callproc(self, procname: Any, parameters: Any = None) -> Any:
        """Call the function `procname`, by what is registered by now."""
        self.renew_casters()
        return super().callproc(procname, parameters)

    def cast(self, oid: int, s: Any) -> Any:
        """Convert the text `s` as the virtual cursor does a value of type `oid`."""
        return self.virtual_cursor().cast(oid, s)

    def renew_casters(self) -> None:
        """Have what is registered on the virtual cursor and its connection."""
        virtual = self.virtual_cursor()
        connection = virtual.connection
        self.casters.renew(connection, self.link)
        own = self.casters.for_cursor(connection, self.link, virtual.string_types)
        if own or self.string_types:
            self.string_types: Any = own


def open_link_cursor(virtual: Any, link: Link, name: str | None) -> Any:
    """Return a raw cursor on `link`, set up as `virtual` is, with a `name` or
    without."""
    connection: IdentityConnection = virtual.connection
    foreign = None
    if type(link.raw) is not InheritedConnection:  # it has them itself
        connection.share_casters_with(link.raw, link.node.group)
        foreign = connection.foreign_casters(link.node.group)
    kind: Any = JoiningCursor if link.joins_begin else LinkCursor
    if foreign is not None:
        kind = ForeignCursor
    more = {"name": name} if name else {}
    raw = link.raw.cursor(cursor_factory=kind, **more)
    raw.virtual_cursor = ref(virtual)
    if link.joins_begin or foreign is not None:
        raw.link = link
    if name:
        raw.scrollable = virtual.scrollable
        raw.withhold = virtual.withhold
    raw.arraysize = virtual.arraysize
    raw.itersize = virtual.itersize
    raw.tzinfo_factory = virtual.tzinfo_factory
    raw.row_factory = row_factory_for(virtual)
    if foreign is not None:
        raw.casters = foreign
        return raw
    # One dict for both: what is registered on this cursor later, is there as well.
    if virtual.string_types is None:
        virtual.string_types = {}
    raw.string_types = virtual.string_types
    return raw
