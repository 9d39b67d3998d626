"""What MySQLdb's connection tells and does besides running statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from MySQLdb import connections

from routedb.adapters.base import Raw


class Switch(int):
    """A truth value that can be called with another: `autocommit` is a method in
    MySQLdb and an attribute elsewhere in routedb."""

    def __new__(cls, is_on: bool, turn: Callable[[Any], None]) -> Switch:
        made = super().__new__(cls, is_on)
        made._turn = turn
        return made

    _turn: Callable[[Any], None]

    def __call__(self, on: Any) -> None:
        self._turn(on)

    def __repr__(self) -> str:
        return repr(bool(self))


def _of_backend(name: str) -> Any:
    """Return a method that asks the backend."""

    def ask(self: Asking, *args: Any, **more: Any) -> Any:
        return self.guarded(getattr(self.backend(), name), *args, **more)

    ask.__name__ = name
    ask.__doc__ = getattr(connections.Connection, name).__doc__
    return ask


def _of_latest(name: str) -> Any:
    """Return a method that asks where the last statement ran."""

    def ask(self: Asking, *args: Any, **more: Any) -> Any:
        return self.guarded(getattr(self.latest(), name), *args, **more)

    ask.__name__ = name
    ask.__doc__ = getattr(connections.Connection, name).__doc__
    return ask


def _shown(name: str, about: str) -> Any:
    """Return a property that shows the backend's."""
    return property(lambda self: getattr(self.backend(), name), doc=about)


def _refused(name: str, way_out: str) -> Any:
    """Return a method that cannot be had with several backends."""

    def refuse(self: Asking, *args: Any, **more: Any) -> None:
        self.refuse(f"{name}()", way_out)

    refuse.__name__ = name
    refuse.__doc__ = f"Raise NotSupportedError: {way_out}."
    return refuse


_RAW = "use MySQLdb.connect for a connection of its own"


class Asking:
    """The part of a connection that passes questions on to a driver's connection."""

    backend: Callable[[], Raw]
    latest: Callable[[], Raw]
    guarded: Callable[..., Any]
    refuse: Callable[[str, str], NoReturn]

    affected_rows = _of_latest("affected_rows")
    discard_result = _of_latest("discard_result")
    errno = _of_latest("errno")
    error = _of_latest("error")
    field_count = _of_latest("field_count")
    info = _of_latest("info")
    insert_id = _of_latest("insert_id")
    more_results = _of_latest("more_results")
    next_result = _of_latest("next_result")
    show_warnings = _of_latest("show_warnings")
    sqlstate = _of_latest("sqlstate")
    store_result = _of_latest("store_result")
    use_result = _of_latest("use_result")
    warning_count = _of_latest("warning_count")

    character_set_name = _of_backend("character_set_name")
    dump_debug_info = _of_backend("dump_debug_info")
    escape = _of_backend("escape")
    escape_string = _of_backend("escape_string")
    fileno = _of_backend("fileno")
    get_character_set_info = _of_backend("get_character_set_info")
    get_host_info = _of_backend("get_host_info")
    get_proto_info = _of_backend("get_proto_info")
    get_server_info = _of_backend("get_server_info")
    kill = _of_backend("kill")
    literal = _of_backend("literal")
    stat = _of_backend("stat")
    string_literal = _of_backend("string_literal")
    thread_id = _of_backend("thread_id")
    _get_native_connection = _of_backend("_get_native_connection")

    client_flag = _shown("client_flag", "The flags that the client asked for.")
    converter = _shown("converter", "How columns become values, by type.")
    database = _shown("database", "The database (schema) of the DSN.")
    db = _shown("db", "The database (schema) of the DSN.")
    executemany_fallback = _shown(
        "executemany_fallback", "How executemany runs what is no plain INSERT."
    )
    encoding = _shown("encoding", "The Python name of the character set.")
    host = _shown("host", "The backend's host.")
    port = _shown("port", "The backend's port.")
    server_capabilities = _shown("server_capabilities", "What the backend can do.")
    unix_socket = _shown("unix_socket", "The backend's socket.")
    user = _shown("user", "The user of the DSN.")
    _server_version = _shown("_server_version", "The version as two numbers.")
    _transactional = _shown("_transactional", "Whether the backend has transactions.")

    change_user = _refused("change_user", f"links of several users; {_RAW}")
    read_query_result = _refused("read_query_result", _RAW)
    send_query = _refused("send_query", _RAW)
    set_server_option = _refused(
        "set_server_option", "give multi_statements=False to routedb.connect"
    )
    shutdown = _refused("shutdown", _RAW)
