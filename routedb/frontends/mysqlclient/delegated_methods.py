"""The methods of MySQLdb's connection that do not run statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from MySQLdb import connections

from routedb.adapters.base import Raw
from routedb.engine.session import Session
from routedb.frontends.base.told_backends import tell_backend


class CallableFlag(int):
    """A truth value that can be called with another: `autocommit` is a method in
    MySQLdb and an attribute elsewhere in routedb."""

    def __new__(cls, is_on: bool, turn: Callable[[Any], None]) -> CallableFlag:
        made = super().__new__(cls, is_on)
        made._turn = turn
        return made

    _turn: Callable[[Any], None]

    def __call__(self, on: Any) -> None:
        self._turn(on)

    def __repr__(self) -> str:
        return repr(bool(self))


def _backend_method(name: str) -> Any:
    """Return a method that calls the backend's."""

    def call(self: DelegatedMethods, *args: Any, **more: Any) -> Any:
        return self.call_driver(getattr(self.backend(), name), *args, **more)

    call.__name__ = name
    call.__doc__ = getattr(connections.Connection, name, call).__doc__
    return call


def _last_backend_method(name: str) -> Any:
    """Return a method that calls that of the link of the last statement."""

    def call(self: DelegatedMethods, *args: Any, **more: Any) -> Any:
        return self.call_driver(getattr(self.last_backend(), name), *args, **more)

    call.__name__ = name
    call.__doc__ = getattr(connections.Connection, name, call).__doc__
    return call


def _backend_attribute(name: str, about: str) -> Any:
    """Return a property that shows the backend's."""
    return property(lambda self: getattr(self.backend(), name), doc=about)


def _unsupported_method(name: str, way_out: str) -> Any:
    """Return a method that cannot be had with several backends."""

    def refuse(self: DelegatedMethods, *args: Any, **more: Any) -> None:
        self.refuse(f"{name}()", way_out)

    refuse.__name__ = name
    refuse.__doc__ = f"Raise NotSupportedError: {way_out}."
    return refuse


_RAW = "use MySQLdb.connect for a connection of its own"


class DelegatedMethods:
    """The part of a connection that delegates to a driver's connection."""

    backend: Callable[[], Raw]
    last_backend: Callable[[], Raw]
    usable_session: Callable[[], Session]
    call_driver: Callable[..., Any]
    refuse: Callable[[str, str], NoReturn]

    affected_rows = _last_backend_method("affected_rows")
    discard_result = _last_backend_method("discard_result")
    errno = _last_backend_method("errno")
    error = _last_backend_method("error")
    field_count = _last_backend_method("field_count")
    info = _last_backend_method("info")
    insert_id = _last_backend_method("insert_id")
    more_results = _last_backend_method("more_results")
    next_result = _last_backend_method("next_result")
    show_warnings = _last_backend_method("show_warnings")
    sqlstate = _last_backend_method("sqlstate")
    store_result = _last_backend_method("store_result")
    use_result = _last_backend_method("use_result")
    warning_count = _last_backend_method("warning_count")

    character_set_name = _backend_method("character_set_name")
    dump_debug_info = _backend_method("dump_debug_info")
    escape = _backend_method("escape")
    escape_string = _backend_method("escape_string")
    fileno = _backend_method("fileno")
    get_character_set_info = _backend_method("get_character_set_info")
    get_host_info = _backend_method("get_host_info")
    get_proto_info = _backend_method("get_proto_info")
    get_server_info = _backend_method("get_server_info")
    literal = _backend_method("literal")
    stat = _backend_method("stat")
    string_literal = _backend_method("string_literal")
    _get_native_connection = _backend_method("_get_native_connection")

    def thread_id(self) -> int:
        """Return the connection id of the backend."""
        number = self.call_driver(self.backend().thread_id)
        return tell_backend(self.usable_session(), number)

    def kill(self, pid: int) -> Any:
        """End the connection `pid`, on the server that a connection of this process was
        told that id of, else on the backend's."""
        session = self.usable_session()
        node = session.core.backends.node_of("mysql", pid)
        raw = self.backend() if node < 0 else session.links.get(node).raw
        return self.call_driver(raw.kill, pid)

    client_flag = _backend_attribute(
        "client_flag", "The flags that the client asked for."
    )
    database = _backend_attribute("database", "The database (schema) of the DSN.")
    db = _backend_attribute("db", "The database (schema) of the DSN.")
    executemany_fallback = _backend_attribute(
        "executemany_fallback", "How executemany runs what is no plain INSERT."
    )
    encoding = _backend_attribute("encoding", "The Python name of the character set.")
    host = _backend_attribute("host", "The backend's host.")
    port = _backend_attribute("port", "The backend's port.")
    server_capabilities = _backend_attribute(
        "server_capabilities", "What the backend can do."
    )
    unix_socket = _backend_attribute("unix_socket", "The backend's socket.")
    user = _backend_attribute("user", "The user of the DSN.")
    _server_version = _backend_attribute(
        "_server_version", "The version as two numbers."
    )
    _transactional = _backend_attribute(
        "_transactional", "Whether the backend has transactions."
    )

    change_user = _unsupported_method("change_user", f"links of several users; {_RAW}")
    read_query_result = _unsupported_method("read_query_result", _RAW)
    send_query = _unsupported_method("send_query", _RAW)
    set_server_option = _unsupported_method(
        "set_server_option", "give multi_statements=False to routedb.connect"
    )
    shutdown = _unsupported_method("shutdown", _RAW)


# Methods that came with mysqlclient 2.2 and 2.3: with an older one a connection here
# lacks them too, and programs that ask with hasattr() take the way they know.
for _name in ("discard_result", "more_results"):
    if not hasattr(connections.Connection, _name):
        delattr(DelegatedMethods, _name)
