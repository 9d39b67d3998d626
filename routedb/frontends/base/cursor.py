"""Cursors that are of one class while they fetch by themselves, else of another."""

from __future__ import annotations

from typing import Any

from routedb.adapters.base import ResultSet
from routedb.frontends.base.inherited_cursor import InheritedCursor
from routedb.frontends.cursor import Cursor


class ClassSwitchingCursor(Cursor):
    """A cursor that is of class `inherited_fetch` while its rows are its own, where
    fetching is the driver's; otherwise of `delegated_fetch`, where it is routedb's."""

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
    """Make a class that says it is the user's."""
    return type(factory.__name__, bases, {"__module__": factory.__module__})
