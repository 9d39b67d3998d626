"""Backends of Django that are derived from ours and from another one, for each engine.

Without servers: what connects in the end is replaced by what notes the configuration.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import django.conf
import pytest
from django.core.exceptions import ImproperlyConfigured
from psycopg2 import extras

ENGINES = ("postgresql", "mysql", "sqlite3")
GIS = {"postgresql": "postgis", "mysql": "mysql", "sqlite3": "spatialite"}
SETTINGS: dict[str, Any] = {
    "NAME": "shop",
    "HOST": "",
    "PORT": "",
    "USER": "app",
    "PASSWORD": "",
    "OPTIONS": {},
    "TEST": {},
    "TIME_ZONE": None,
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": False,
    "AUTOCOMMIT": True,
    "ATOMIC_REQUESTS": False,
}
DRIVERS = {
    "postgresql": "psycopg2",
    "mysql": "MySQLdb",
    "sqlite3": "sqlite3.dbapi2",
}
OPTION = {"postgresql": "application_name", "mysql": "charset", "sqlite3": "timeout"}
VALUE = {"postgresql": "theirs", "mysql": "latin1", "sqlite3": 7}


class Opened:
    """In place of a connection: what Django's backends do with a new one."""

    encoders = {bytes: bytes}

    def __init__(self) -> None:
        self.done: list[Any] = []

    def execute(self, text: str) -> Opened:
        self.done.append(text)
        return self

    def fetchone(self) -> tuple[int]:
        return (1,)

    def create_function(self, name: str, *_: Any, **__: Any) -> None:
        self.done.append("function")

    def create_aggregate(self, *_: Any) -> None:
        self.done.append("aggregate")


@pytest.fixture(autouse=True)
def _django() -> None:
    if not django.conf.settings.configured:
        django.conf.settings.configure(USE_TZ=True)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The configurations that were connected to."""
    wrapper = import_module("routedb.integrations.django.wrapper")
    configs: list[Any] = []

    class Runtimes:
        def find(self, config: Any) -> Runtimes:
            configs.append(config)
            return self

        def connect(self, cursor_factory: Any = None) -> Opened:
            return Opened()

    monkeypatch.setattr(wrapper, "_runtimes", Runtimes())
    monkeypatch.setattr(extras, "register_default_jsonb", lambda **_: None)
    return configs


def ours(engine: str) -> Any:
    return import_module(f"routedb.integrations.django.{engine}.base").DatabaseWrapper


def djangos(engine: str) -> Any:
    return import_module(f"django.db.backends.{engine}.base").DatabaseWrapper


def gis(engine: str) -> Any:
    """Return GeoDjango's backend, or, where its libraries are missing, one with what
    it overrides."""
    try:
        name = f"django.contrib.gis.db.backends.{GIS[engine]}.base"
        return import_module(name).DatabaseWrapper
    except ImproperlyConfigured:
        own: Any = djangos(engine)

        class Gis(own):  # type: ignore[misc]
            SchemaEditorClass = type("Schema", (own.SchemaEditorClass,), {})
            features_class = type("Features", (own.features_class,), {})
            ops_class = type("Ops", (own.ops_class,), {})
            introspection_class = type("Introspection", (own.introspection_class,), {})

            def get_new_connection(self, conn_params):
                return super().get_new_connection(conn_params)

            def prepare_database(self):
                super().prepare_database()

        return Gis


def theirs(engine: str) -> Any:
    """Return a backend that sets an option, and does something with a connection."""

    base: Any = djangos(engine)

    class Theirs(base):  # type: ignore[misc]
        def get_connection_params(self):
            given = super().get_connection_params()
            return {**given, OPTION[engine]: VALUE[engine]}

        def get_new_connection(self, conn_params):
            made = super().get_new_connection(conn_params)
            made.is_theirs = True
            return made

    return Theirs


class Plain:
    """A mixin that knows nothing of Django."""


def cooperating(engine: str) -> Any:
    """Return a mixin that does the same, and is no backend."""
    base: Any = object

    class Mixin(base):  # type: ignore[misc]
        def get_new_connection(self, conn_params):
            made = super().get_new_connection(conn_params)
            made.is_theirs = True
            return made

        def get_connection_params(self):
            given = super().get_connection_params()
            return {**given, OPTION[engine]: VALUE[engine]}

    return Mixin


# How a class is derived from ours; the last word: whether it has parts of its own that
# connect, and must be heard.
SHAPES: dict[str, tuple[Any, bool]] = {
    "ours": (lambda e: (ours(e),), False),
    "mixin in front": (lambda e: (Plain, ours(e)), False),
    "mixin behind": (lambda e: (ours(e), Plain), False),
    "two generations": (lambda e: (type("First", (ours(e),), {}),), False),
    "GeoDjango behind": (lambda e: (ours(e), gis(e)), False),
    "GeoDjango in front": (lambda e: (gis(e), ours(e)), False),
    "Django's own behind": (lambda e: (ours(e), djangos(e)), False),
    "theirs behind": (lambda e: (ours(e), theirs(e)), True),
    "theirs in front": (lambda e: (theirs(e), ours(e)), True),
    "theirs and GeoDjango": (lambda e: (theirs(e), ours(e), gis(e)), True),
    "GeoDjango and theirs": (lambda e: (gis(e), ours(e), theirs(e)), True),
    "all behind": (lambda e: (ours(e), gis(e), theirs(e)), True),
    "a mixin that connects": (lambda e: (cooperating(e), ours(e)), True),
    "generations of both": (
        lambda e: (type("A", (ours(e),), {}), type("B", (theirs(e),), {})),
        True,
    ),
}


def _wrapper(engine: str, shape: str, **options: Any) -> Any:
    bases, _ = SHAPES[shape]
    made = type("DatabaseWrapper", bases(engine), {})
    return made({**SETTINGS, "OPTIONS": options})


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("engine", ENGINES)
def test_any_class_that_is_derived_connects_through_routedb(engine, shape, opened):
    wrapper = _wrapper(engine, shape)
    connection = wrapper.get_new_connection(wrapper.get_connection_params())
    [config] = opened
    [node] = config.nodes
    assert isinstance(connection, Opened)
    is_heard = SHAPES[shape][1]
    assert hasattr(connection, "is_theirs") is is_heard
    told = f"{node.dsn} {dict(node.options)}"
    assert (str(VALUE[engine]) in told) is is_heard
    if engine == "sqlite3":
        assert "PRAGMA foreign_keys = ON" in connection.done
        assert "function" in connection.done


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("engine", ENGINES)
def test_its_parts_are_theirs_and_ours(engine, shape):
    parts = import_module("routedb.integrations.django.migrations")
    asking = import_module("routedb.integrations.django.introspection")
    creation = import_module("routedb.integrations.django.wrapper").Creation
    wrapper = _wrapper(engine, shape)
    kind = type(wrapper)
    for own, part, theirs in (
        (wrapper.ops, parts.Operations, kind.ops_class),
        (wrapper.introspection, asking.Introspection, kind.introspection_class),
        (wrapper.creation, creation, kind.creation_class),
    ):
        assert isinstance(own, part)
        assert isinstance(own, theirs)
    if "GeoDjango" in shape:
        assert kind.ops_class is not djangos(engine).ops_class
        assert kind.SchemaEditorClass is not djangos(engine).SchemaEditorClass


@pytest.mark.parametrize("engine", ENGINES)
def test_django_s_own_backend_stays_on_its_driver(engine, opened, monkeypatch):
    wrapper = djangos(engine)({**SETTINGS, "NAME": ":memory:"})
    base = import_module(f"django.db.backends.{engine}.base")
    driver = import_module(DRIVERS[engine])
    assert base.Database.Error is driver.Error
    monkeypatch.setattr(driver, "connect", lambda **given: Opened())
    connection = wrapper.get_new_connection(wrapper.get_connection_params())
    assert isinstance(connection, Opened)
    assert opened == []


@pytest.mark.parametrize("engine", ENGINES)
def test_the_default_is_to_read_what_the_process_has_written(engine, opened):
    for options in ({}, {"consistency": "session"}, {"transaction_reads": "replica"}):
        wrapper = _wrapper(engine, "ours", routedb=options)
        wrapper.get_new_connection(wrapper.get_connection_params())
    found = [config.databases["main"] for config in opened]
    assert [each.consistency for each in found] == ["process", "session", "process"]
    assert [each.transaction_reads for each in found] == ["writer", "writer", "replica"]
