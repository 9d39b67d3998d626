"""What tracing tools do to psycopg2, without their packages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg2.extensions import cursor as PlainCursor  # noqa: N812

Tool = Callable[[Any, list[str]], Any]


class Proxy:
    """An object that passes for another, as those of wrapt do."""

    def __init__(self, wrapped: Any) -> None:
        object.__setattr__(self, "__wrapped__", wrapped)

    @property  # type: ignore[misc]  # of object
    def __class__(self) -> Any:
        return type(self.__wrapped__)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "__wrapped__"), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "__wrapped__"), name, value)

    def __enter__(self) -> Any:
        self.__wrapped__.__enter__()
        return self

    def __exit__(self, *how: Any) -> Any:
        return self.__wrapped__.__exit__(*how)

    def __iter__(self) -> Any:
        return iter(self.__wrapped__)


def by_factory(connect: Any, texts: list[str]) -> Any:
    """Return `connect` as OpenTelemetry's instrumentation of psycopg2 has it: it gives
    the driver a cursor factory that is derived from the program's."""

    def traced(*args: Any, **keywords: Any) -> Any:
        base = keywords.pop("cursor_factory", None) or PlainCursor

        class TracedCursor(base):  # type: ignore[misc,valid-type]
            def execute(self, query: Any, vars: Any = None) -> Any:  # noqa: A002
                texts.append(query)
                return super().execute(query, vars)

        return connect(*args, cursor_factory=TracedCursor, **keywords)

    return traced


def by_proxy(connect: Any, texts: list[str]) -> Any:
    """Return `connect` as ddtrace, elastic-apm and OpenTelemetry's for any driver have
    it: it returns a proxy, whose cursors are proxies, and looks where they lead."""

    class TracedCursor(Proxy):
        def execute(self, query: Any, vars: Any = None) -> Any:  # noqa: A002
            texts.append(query)
            assert self.connection.info.dbname
            return self.__wrapped__.execute(query, vars)

    class TracedConnection(Proxy):
        def cursor(self, *args: Any, **keywords: Any) -> Any:
            made = self.__wrapped__.cursor(*args, **keywords)
            return TracedCursor(made)

    return lambda *args, **keywords: TracedConnection(connect(*args, **keywords))
