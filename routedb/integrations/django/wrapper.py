"""What the Django backends share: how they connect, and their test databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.utils.functional import cached_property

from routedb.config.dsn import parse_dsn
from routedb.config.model import ClusterConfig, NodeConfig
from routedb.frontends.connection import Connection
from routedb.integrations.django import settings
from routedb.integrations.django.introspection import Introspection
from routedb.integrations.django.migrations import Operations
from routedb.integrations.django.schema import SchemaEditor
from routedb.integrations.driver import read, with_connect
from routedb.routing import database_for
from routedb.runtime import Registry, Runtime

_runtimes = Registry()

_IS_TEST = "ROUTEDB"  # in settings["TEST"] while a test database is in use

# Driver keywords from Django's settings; left out when the configuration names nodes.
_ADDRESS = ("dbname", "database", "user", "password", "host", "port", "unix_socket")


class Routed:
    """The part of a DatabaseWrapper that connects through routedb.

    The arguments are those of Django's own, `settings_dict` the database's settings.
    """

    engine: str
    django_wrapper: Any  # Django's own DatabaseWrapper
    settings_dict: dict[str, Any]
    connection: Any
    close: Callable[[], None]
    ensure_connection: Callable[[], None]
    creation_part: type[Creation]

    def __setattr__(self, name: str, value: Any) -> None:
        """Give the operations, the introspection and the creation of test databases our
        part of them.

        Here, as a subclass may name classes of its own or, as django-tenants does, set
        objects of its own once `__init__` of its base is over.
        """
        if name in _PARTS:
            value = _with_part(value, _PARTS[name] or self.creation_part)
        super().__setattr__(name, value)

    def __init__(self, settings_dict: dict[str, Any], *args: Any, **more: Any) -> None:
        super().__init__(settings_dict, *args, **more)  # type: ignore[call-arg]
        if settings.names_nodes(settings_dict) and settings_dict["NAME"] == "":
            settings_dict["NAME"] = self.server_database()

    @cached_property  # type: ignore[untyped-decorator]
    def configured(self) -> ClusterConfig:
        """The configuration that the settings name, as it is without Django."""
        return settings.read(self.settings_dict, self.engine)

    @property
    def is_test(self) -> bool:
        """Tell whether NAME is that of a test database."""
        return bool(self.settings_dict["TEST"].get(_IS_TEST))

    def server_database(self) -> str:
        """Return the name of the default database on its servers."""
        node = database_for(self.configured, None).groups[0].nodes[0]
        where = {**parse_dsn(node.dsn).where, **node.options}
        return str(where.get(settings.DBNAME.get(self.engine, "database"), ""))

    def get_connection_params(self) -> dict[str, Any]:
        """Return what the driver would be given, and under `routedb` this wrapper: see
        `connect`. Classes that are derived from this one may change the rest."""
        return {**super().get_connection_params(), "routedb": self}  # type: ignore[misc]

    def open(self, given: dict[str, Any]) -> Connection:
        """Open a connection, from `given`, what the driver would be given."""
        cursor_factory = given.pop("cursor_factory", None)
        runtime = _runtimes.find(self.cluster(given))
        return runtime.connect(cursor_factory=cursor_factory)

    def cluster(self, given: dict[str, Any]) -> ClusterConfig:
        """Return the configuration, from what Django would give to the driver."""
        if not settings.names_nodes(self.settings_dict):
            dsn, options = self.address(given)
            return read(dsn, {**options, **settings.routed(self.settings_dict)})
        options = {k: v for k, v in given.items() if k not in _ADDRESS}
        config = settings.with_options(self.configured, self.engine, options)
        if self.is_test:
            return settings.on_database(config, self.settings_dict["NAME"])
        return config

    def address(self, given: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return the DSN of the one node that Django's settings name, and options."""
        raise NotImplementedError

    def schema_editor(self, *args: Any, **options: Any) -> Any:
        """Return Django's, which changes tables where they are."""
        return _with_part(super().schema_editor(*args, **options), SchemaEditor)  # type: ignore[misc]

    def on_writer(self) -> AbstractContextManager[Any]:
        """Send the statements of a `with` block to the writer."""
        self.ensure_connection()
        block: AbstractContextManager[Any] = self.connection.using(role="writer")
        return block

    # -- test databases ----------------------------------------------------------------

    @contextmanager
    def _nodb_cursor(self) -> Iterator[Any]:
        """Lend a cursor of Django's own backend, on the writer's server."""
        connection = self.django_wrapper(self.writer_settings(), alias=NO_DB_ALIAS)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def writer_settings(self) -> dict[str, Any]:
        """Return settings of Django's own backend for the server of the writer."""
        options = {**self.settings_dict["OPTIONS"]}
        options.pop("routedb", None)
        if not settings.names_nodes(self.settings_dict):
            return {**self.settings_dict, "NAME": None, "OPTIONS": options}
        address = dict.fromkeys(("USER", "PASSWORD", "HOST", "PORT"), "")
        options.update(self.login(self._writer()))
        return {**self.settings_dict, **address, "NAME": None, "OPTIONS": options}

    def login(self, node: NodeConfig) -> dict[str, Any]:
        """Return the OPTIONS with which Django's own backend reaches a node."""
        raise NotImplementedError

    def _writer(self) -> NodeConfig:
        """Connect to find which node is the writer."""
        runtime = Runtime(
            settings.on_database(self.configured, self.maintenance_database)
        )
        try:
            connection = runtime.connect(autocommit=True)
            with connection.using(role="writer"), connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                assert cursor.node is not None  # a statement has run
                return cursor.node
        finally:
            runtime.close()

    maintenance_database = ""  # a database that every server has

    def close_runtime(self) -> None:
        """Close what routedb has open, so that the database can be dropped."""
        self.close()
        given = self.get_connection_params()
        for key in ("routedb", "cursor_factory"):
            given.pop(key, None)
        _runtimes.find(self.cluster(given)).close()


class Creation:
    """The part of a DatabaseCreation that creates test databases on the writer."""

    connection: Any

    def _create_test_db(self, *args: Any, **options: Any) -> Any:
        name = super()._create_test_db(*args, **options)  # type: ignore[misc]
        self.connection.settings_dict["TEST"][_IS_TEST] = True
        return name

    def _clone_test_db(self, *args: Any, **options: Any) -> Any:
        self.connection.close_runtime()
        return super()._clone_test_db(*args, **options)  # type: ignore[misc]

    def _destroy_test_db(self, *args: Any, **options: Any) -> Any:
        self.connection.close_runtime()
        return super()._destroy_test_db(*args, **options)  # type: ignore[misc]

    def destroy_test_db(
        self, *args: Any, suffix: str | None = None, **options: Any
    ) -> None:
        """Destroy a test database, as Django does; without a `suffix` it is the last
        one, and the settings are restored."""
        super().destroy_test_db(*args, suffix=suffix, **options)  # type: ignore[misc]
        if suffix is None:
            self.connection.settings_dict["TEST"].pop(_IS_TEST, None)


# Attributes of a DatabaseWrapper with a part of ours; None: that of the engine.
_PARTS: dict[str, type | None] = {
    "ops": Operations,
    "introspection": Introspection,
    "creation": None,
}


def _with_part(own: Any, part: type) -> Any:
    """Return `own`, an attribute of a wrapper, as an object of `part` as well.

    It stays the same object: what its own `__init__` took is not known here.
    """
    if not isinstance(own, part):
        own.__class__ = _joined(part, own.__class__)
    return own


@cache
def _joined(part: Any, own: Any) -> type:
    return type(own.__name__, (part, own), {"__module__": own.__module__})


def routed_driver(driver: Any) -> Any:
    """Return a module like `driver`, a backend's, whose `connect` is routedb's for our
    wrappers, and for others the driver's.

    Django's own `get_new_connection` calls it, so that what it does then is done, and
    what any class that is derived from ours and from another backend puts around it.
    """

    def connect(*args: Any, routedb: Any = None, **given: Any) -> Any:
        if isinstance(routedb, Routed):
            return routedb.open(given)
        if routedb is not None:  # in the OPTIONS of Django's own backend
            given["routedb"] = routedb
        return driver.connect(*args, **given)

    return with_connect(driver, connect)
