"""A small program, as a tracing tool records it; prints the texts that the tool saw.

    python -m tests.suites.traced_program TOOL WAY DSN…

WAY says how the program gets its connection. The tools are not among what the tests
install: tests/suites/tools.py makes an environment for them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as plain_cursor

import routedb

STATEMENTS = [
    "SELECT count(*) FROM pg_class",
    "CREATE TEMPORARY TABLE traced (id int)",
    "INSERT INTO traced VALUES (1)",
    "SELECT id FROM traced",
    "SELECT count(*) FROM pg_type",
]
_PROBED_S = 1.5  # the monitor probes several times meanwhile


class Cursor(plain_cursor):
    """A cursor factory of the program's, as Django has one."""


def _module(name: str) -> Any:
    return import_module(name)


def _otel_psycopg2() -> Callable[[], list[str]]:
    instrumentation = _module("opentelemetry.instrumentation.psycopg2")
    provider, texts = _spans()
    instrumentation.Psycopg2Instrumentor().instrument(tracer_provider=provider)
    return texts


def _otel_dbapi() -> Callable[[], list[str]]:
    dbapi = _module("opentelemetry.instrumentation.dbapi")
    provider, texts = _spans()
    dbapi.trace_integration(psycopg2, "connect", "postgresql", tracer_provider=provider)
    return texts


def _spans() -> tuple[Any, Callable[[], list[str]]]:
    trace = _module("opentelemetry.sdk.trace")
    export = _module("opentelemetry.sdk.trace.export")
    memory = _module("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    provider = trace.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))

    def texts() -> list[str]:
        spans = [span.attributes or {} for span in exporter.get_finished_spans()]
        return [str(span["db.statement"]) for span in spans if "db.statement" in span]

    return provider, texts


def _ddtrace() -> Callable[[], list[str]]:
    trace = _module("ddtrace.trace")
    seen: list[str] = []

    class Keep(trace.TraceFilter):  # type: ignore[misc,name-defined]
        def process_trace(self, trace: Any) -> None:
            seen.extend(span.resource for span in trace if span.span_type == "sql")

    trace.tracer.configure(trace_processors=[Keep()])
    _module("ddtrace").patch(psycopg=True)
    return lambda: seen


def _elastic_apm() -> Callable[[], list[str]]:
    elasticapm = _module("elasticapm")
    seen: list[str] = []

    class Client(elasticapm.Client):  # type: ignore[misc,name-defined]
        def queue(self, event_type: str, data: Any, flush: bool = False) -> None:
            said = data.get("context", {}).get("db", {}) if data else {}
            if event_type == "span" and said.get("statement"):
                seen.append(said["statement"])

    client = Client(
        service_name="program",
        metrics_interval="0ms",
        central_config=False,
        cloud_provider=False,
        span_compression_enabled=False,
        exit_span_min_duration="0ms",
    )
    elasticapm.instrument()
    client.begin_transaction("request")

    def texts() -> list[str]:
        client.end_transaction("request", "OK")
        return seen

    return texts


TOOLS: dict[str, Callable[[], Callable[[], list[str]]]] = {
    "otel-psycopg2": _otel_psycopg2,
    "otel-dbapi": _otel_dbapi,
    "ddtrace": _ddtrace,
    "elastic-apm": _elastic_apm,
}


@contextmanager
def _connected(start: Callable[[], Any], way: str, dsns: list[str]) -> Iterator[Any]:
    """Give a connection as `way` says, and what `start` of the tool has returned."""
    given: dict[str, Any] = {"cursor_factory": Cursor} if "factory" in way else {}
    options: dict[str, Any] = {"consistency": "session"}
    if "patch after" in way or "patch before" in way:
        if "before" in way:
            routedb.patch(dsns, **options)
            texts = start()
        else:
            texts = start()
            routedb.patch(dsns, **options)
        yield psycopg2.connect("host=not.used", **given), texts
    else:
        texts = start()
        yield routedb.connect(dsns, **options, **given), texts


# How the program gets its connection; patch() before, or after, the tool.
WAYS = tuple(
    f"{way}{factory}"
    for way in ("connect", "patch before", "patch after")
    for factory in ("", ", factory")
)


def main(tool: str, way: str, *dsns: str) -> None:
    """Run the program with `tool`; print the texts that it recorded."""
    with _connected(TOOLS[tool], way, list(dsns)) as (connection, texts):
        connection.autocommit = True
        cursor = connection.cursor()
        for text in STATEMENTS:
            cursor.execute(text)
            time.sleep(_PROBED_S / len(STATEMENTS))
        cursor.close()
        connection.close()
        print(json.dumps(texts()))


if __name__ == "__main__":
    main(*sys.argv[1:])
