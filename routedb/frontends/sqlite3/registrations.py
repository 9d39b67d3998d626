"""Registrations on a sqlite3 connection: made on each link, also on later ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from routedb.adapters.base import Raw


def _registration_method(name: str, named_by: int) -> Any:
    """Return a method that registers on every link; calls that are equal in the first
    `named_by` arguments replace one another."""

    def register(self: Registrations, *args: Any, **options: Any) -> None:
        given = (*args, *options.values())
        self.call_on_all((name, *given[:named_by]), name, args, options)

    register.__name__ = name
    register.__doc__ = getattr(sqlite3.Connection, name).__doc__
    return register


class Registrations:
    """The part of a connection that keeps the calls that register on it."""

    raw_connections: Callable[[], list[Raw]]
    call_driver: Callable[..., Any]

    def __init__(self) -> None:
        self._calls: dict[Any, tuple[str, Any, Any]] = {}
        self._text_factory: Any = str

    create_function = _registration_method("create_function", 2)
    create_aggregate = _registration_method("create_aggregate", 2)
    create_collation = _registration_method("create_collation", 1)
    set_authorizer = _registration_method("set_authorizer", 0)
    set_progress_handler = _registration_method("set_progress_handler", 0)
    set_trace_callback = _registration_method("set_trace_callback", 0)
    if hasattr(sqlite3.Connection, "create_window_function"):  # Python 3.11
        create_window_function = _registration_method("create_window_function", 2)
        setlimit = _registration_method("setlimit", 1)
    if hasattr(sqlite3.Connection, "enable_load_extension"):  # depends on the build
        enable_load_extension = _registration_method("enable_load_extension", 0)
        load_extension = _registration_method("load_extension", 1)

    @property
    def text_factory(self) -> Any:
        """What makes a value of a text column, on every link."""
        return self._text_factory

    @text_factory.setter
    def text_factory(self, factory: Any) -> None:
        self._text_factory = factory
        for raw in self.raw_connections():
            raw.text_factory = factory

    def call_on_all(self, key: Any, method: str, args: Any, options: Any) -> None:
        """Call `method` with `args` and `options` on every link, and on later ones.

        `key` is that of the call: a later one with the same key replaces it.
        """
        for raw in self.raw_connections():
            self.call_driver(getattr(raw, method), *args, **options)
        self._calls.pop(key, None)  # the last call is repeated last
        self._calls[key] = (method, args, options)

    def register_on(self, raw: Raw) -> None:
        """Make all calls on a new link."""
        raw.text_factory = self._text_factory
        for method, args, options in self._calls.values():
            getattr(raw, method)(*args, **options)
