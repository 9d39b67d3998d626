"""What the engine needs of a virtual cursor, and what it leaves there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from routedb.adapters.base import RawCursor, ResultSet
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.routing import Route

Call = Callable[[Any], Any]  # takes a raw cursor; some of its methods are one driver's


class Control(NamedTuple):
    """A statement that the transaction has carried out."""

    text: str
    tag: str  # what PostgreSQL's servers answer: "BEGIN", "COMMIT" …


class VirtualCursor(Protocol):
    """What the engine needs of a virtual cursor."""

    arraysize: int
    raw: ResultSet | None  # of the last statement; None when it has none
    fetching_from: ResultSet | None  # whose fetch methods the virtual cursor shows
    raw_cursors: dict[Link, RawCursor]
    route: Route | None
    link: Link | None
    control: Control | None  # the last statement, when the transaction carried it out
    is_observed: bool  # `execute` runs on behalf of engine/run/observed.py
    # Where this object can be the raw cursor, by a driver that several threads may call
    # at once: the class of what stands for it as such, and the driver's own method and
    # attribute, which that has too. See `NoRawCursor`.
    own_raw: type[Any] | None
    execute_own: Any
    own_description: Any

    @property
    def session(self) -> Session:
        """The session it belongs to; after close, one that refuses every text."""

    def open_raw_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link` and keep it in `raw_cursors`."""

    def make_raw_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link`, for one statement: the caller closes it."""

    def make_part_cursor(self, link: Link) -> RawCursor:
        """Open a raw cursor on `link` for a part of a statement: an object of its own
        where the driver allows that, without a name. The caller closes it."""

    def bind_fetch(self, raw: ResultSet) -> None:
        """Fetch from `raw` from now on."""

    def unbind_fetch(self) -> None:
        """There is nothing to fetch."""

    def buffer_results(self) -> None:
        """Take in the results that a text of several statements has left."""


class NoRawCursor:
    """A virtual cursor that is not itself a raw cursor of any link."""

    __slots__ = ()

    own_raw: type[Any] | None = None
    execute_own: Any = None
    own_description: Any = None
