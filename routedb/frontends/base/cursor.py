"""Cursors that switch between two classes: one fetches itself, one delegates."""

from __future__ import annotations

from typing import Any

from routedb.adapters.base import ResultSet
from routedb.frontends.base.inherited_cursor import InheritedCursor
from routedb.frontends.cursor import Cursor


class ClassSwitchingCursor(Cursor):
    """A cursor of class `inherited_fetch` while it has the rows itself and the driver's
    methods fetch; otherwise of class `delegated_fetch`, with routedb's methods."""

    inherited_fetch: Any
    delegated_fetch: Any

    def bind_fetch(self, raw: ResultSet) -> None:
        """Fetch from `raw` from now on."""
        self._unbind_fetch_methods()
        if isinstance(raw, InheritedCursor):
            self.fetching_from = raw
            self.__class__ = self.inherited_fetch
        else:
            super().bind_fetch(raw)

    def _unbind_fetch_methods(self) -> None:
        super()._unbind_fetch_methods()
        self.__class__ = self.delegated_fetch


def class_like(factory: Any, *bases: Any) -> Any:
    """Return a class with these bases, and with the name and module of `factory`, the
    user's class."""
    return type(factory.__name__, bases, {"__module__": factory.__module__})
