"""SQLite through the standard library's sqlite3.

The raw cursor takes pyformat texts and translates them, once per text, to the qmark
style that sqlite3 knows, so the layers above use one style.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import unquote

from routedb import errors
from routedb.adapters.base import (
    Branches,
    Commits,
    Decisions,
    PlacementTable,
    Raw,
    RawCursor,
    TxMode,
)
from routedb.adapters.sqlite.catalog import BUILTIN
from routedb.adapters.sqlite.faults import GONE, fault_of_code, fault_of_text
from routedb.adapters.sqlite.fork_gate import fork_gate
from routedb.adapters.sqlite.hidden_writes import is_plain
from routedb.adapters.sqlite.placements import SQLitePlacements
from routedb.adapters.sqlite.transactions import begin_word
from routedb.adapters.sqlite.two_phase import NoBranches, SQLiteDecisions
from routedb.adapters.tracing import unwrapped
from routedb.adapters.translate import Translation
from routedb.config.model import NodeConfig
from routedb.errors import Fault
from routedb.session.fence import is_fence_text
from routedb.sql.lexical_mode import LexicalMode
from routedb.sql.scanner.placeholders import to_qmark
from routedb.sql.statement import Table
from routedb.topology.snapshot import Answer, Role

_abandoned: list[Raw] = []  # never closed in the child, not even at garbage collection


class Cursor(sqlite3.Cursor):
    """A cursor that takes pyformat, and texts as bytes."""

    def execute(self, sql: Any, parameters: Any = None) -> Cursor:
        """Run one text; without `parameters` it is sent as it is."""
        if not isinstance(sql, str):
            sql = bytes(sql).decode()
        if parameters is None:
            super().execute(sql)
        else:
            super().execute(*native(sql, parameters))
        return self

    def executemany(self, sql: Any, parameters: Iterable[Any]) -> Cursor:
        """Run one text for each set in `parameters`."""
        if not isinstance(sql, str):
            sql = bytes(sql).decode()
        text, order = to_qmark(sql)
        super().executemany(text, (arguments(order, row) for row in parameters))
        return self

    def callproc(self, name: str, parameters: Any = ()) -> Any:
        """Raise NotSupportedError for `name`, whatever the `parameters`: SQLite has no
        stored procedures."""
        raise errors.NotSupportedError(f"{name}: SQLite has no stored procedures")


class ExactCursor(Cursor):
    """A cursor whose rows are SQLite's values: its queries have no columns of tables,
    by whose types sqlite3 finds converters (PARSE_DECLTYPES), and no names that say one
    (PARSE_COLNAMES)."""

    def execute(self, sql: Any, parameters: Any = None) -> ExactCursor:
        """Run one text; a query in the names and values that its columns become."""
        try:
            super().execute(f"SELECT * FROM ({sql}\n) LIMIT 0", parameters)
        except sqlite3.Error:  # no query, or one that fails again
            super().execute(sql, parameters)
            return self
        count = range(len(self.description))
        names = ", ".join(f"c{number}" for number in count)
        values = ", ".join(f"+c{number} AS c{number}" for number in count)
        plain = f"WITH routedb_e({names}) AS ({sql}\n) SELECT {values} FROM routedb_e"
        super().execute(plain, parameters)
        return self


class Connection(sqlite3.Connection):
    """A connection with its file's identity, to detect that the file is replaced."""

    path: str = ""
    is_read_only: bool = False
    converts: bool = False  # by detect_types
    identity: tuple[int, int] | None = None  # device and inode when it was opened


class Sqlite3Adapter:
    """The standard library's module."""

    engine = "sqlite"
    dialect = "sqlite"
    fetches_buffered = False  # SQLite computes rows while they are fetched
    # Despite its threadsafety: the error of a statement is kept by connection, so two
    # that fail at once raise each other's (CPython 3.11 raises SystemError then).
    is_concurrent = False
    is_remote = False
    commits_by_raw = False
    joins_begin = False
    tells_server = False
    commits: Commits | None = None
    references = 0
    rollback_undoes_settings = False
    rollback_undoes_objects = True
    script_is_transaction = False
    begins_before_some_writes = True
    hides_uncommitted = True
    failing_text: str | None = None
    isolation_setting: str | None = None
    session_settings: str | None = None

    def __init__(self) -> None:
        self._translation = Translation(sqlite3)
        self.branches: Branches = NoBranches()
        self.decisions: Decisions = SQLiteDecisions(self.run)
        self.placements: PlacementTable = SQLitePlacements(self.run)
        self.adopt = self._translation.adopt
        self.error_class = self._translation.error_class

    def connect(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open the file in autocommit mode; `timeout_s` also bounds waits for locks."""
        return _connect(sqlite3.connect, node, timeout_s)

    def connect_apart(self, node: NodeConfig, timeout_s: float) -> Raw:
        """The same past what may trace sqlite3: the driver has no hooks."""
        return _connect(_made, node, timeout_s)

    def keep_alive(self, raw: Raw, node: NodeConfig, silent_s: float) -> None:
        """Do nothing: there is no socket."""

    def close(self, raw: Raw) -> None:
        """Close; never raises. What is open is rolled back first: SQLite keeps a closed
        connection, and its locks, for as long as anybody has a statement of it."""
        with fork_gate:
            with suppress(sqlite3.Error):
                if raw.in_transaction:
                    raw.rollback()
            with suppress(sqlite3.Error):
                raw.close()

    def end(self, raw: Raw) -> None:
        """There is nothing to wait for."""
        self.close(raw)

    def abandon(self, raw: Raw) -> None:
        """Keep it for ever: closing would drop the parent's locks on the file
        (sqlite.org, How To Corrupt An SQLite Database File, 2.6)."""
        _abandoned.append(raw)

    def interrupt(self, raw: Raw) -> None:
        """Make a running statement fail."""
        try:
            raw.interrupt()
        except sqlite3.ProgrammingError:  # closed already: no call waits
            return

    def cancel(self, raw: Raw, node: NodeConfig, timeout_s: float) -> None:
        """Interrupt the statement."""
        self.interrupt(raw)

    def backend_id(self, raw: Raw) -> int:
        """There is no server."""
        return 0

    def watch(self, raw: Raw) -> None:
        """It costs nothing as it is."""

    def is_alive(self, raw: Raw) -> bool:
        """Tell whether it is open, and its file still the one that was opened."""
        try:
            raw.total_changes  # noqa: B018  (it refuses when closed)
        except sqlite3.ProgrammingError:
            return False
        identity = getattr(raw, "identity", None)
        return identity is None or _identity(raw.path) == identity

    def is_idle(self, raw: Raw) -> bool:
        """Ask SQLite, without I/O."""
        return not raw.in_transaction

    def is_busy(self, raw: Raw) -> bool:
        """One thread at a time uses a link: see `is_concurrent`."""
        return False

    def is_failed(self, raw: Raw) -> bool:
        """A failed statement leaves a SQLite transaction usable."""
        return False

    def probe(self, raw: Raw) -> Answer:
        """A file opened read-only is a replica; it reads what was committed: no lag."""
        if not self.is_alive(raw):
            raise sqlite3.OperationalError(f"{raw.path}: {GONE}")
        with fork_gate:
            unwrapped(raw).execute("SELECT count(*) FROM sqlite_master").fetchone()
        is_read_only = getattr(raw, "is_read_only", False)
        role = Role.REPLICA if is_read_only else Role.WRITER
        identity = getattr(raw, "identity", None)
        server = None if identity is None else "{}:{}".format(*identity)
        return Answer(role, sqlite3.sqlite_version, None, None, 0.0, server=server)

    def server(self, raw: Raw) -> str | None:
        """None: a path leads to one file, and `is_alive` tells when it is replaced."""
        return None

    def set_mode(self, raw: Raw, mode: TxMode) -> None:
        """Set `mode`: sqlite3 begins by itself before a write, unless in autocommit
        mode."""
        raw.isolation_level = None if mode.autocommit else begin_word(mode)
        with fork_gate:
            unwrapped(raw).execute(f"PRAGMA query_only = {int(mode.read_only)}")

    def begin(self, raw: Raw, mode: TxMode) -> None:
        """BEGIN, which may ask for the lock at once; there is one isolation level."""
        unwrapped(raw).execute(f"BEGIN {begin_word(mode)}")

    def commit(self, raw: Raw) -> None:
        """Commit, however it was begun."""
        raw.commit()

    def rollback(self, raw: Raw) -> None:
        """Roll back, however it was begun."""
        raw.rollback()

    def part(self, raw: Raw) -> None:
        """None begins with its first statement."""

    def reset(self, raw: Raw, node: NodeConfig) -> bool:
        """Return False: what functions, hooks and pragmas have changed cannot be asked
        for, and opening the file again costs little."""
        return False

    def resets_all(self, raw: Raw) -> bool:
        """Return False, as `reset` does."""
        return False

    def cursor(self, raw: Raw) -> RawCursor:
        """Open a cursor that takes pyformat."""
        with fork_gate:
            cursor: RawCursor = raw.cursor(Cursor)
        return cursor

    def exact_cursor(self, raw: Raw) -> RawCursor:
        """Open one whose rows are tuples: Python has SQLite's types. What a text
        factory makes of them is the connection's."""
        kind = ExactCursor if getattr(raw, "converts", True) else Cursor
        with fork_gate:
            cursor: Any = raw.cursor(kind)
        cursor.row_factory = None
        opened: RawCursor = cursor
        return opened

    def run(self, raw: Raw, sql: str) -> list[tuple[Any, ...]]:
        """Run a text."""
        with fork_gate:
            return unwrapped(raw).execute(sql).fetchall()  # type: ignore[no-any-return]

    def ask_setting(self, raw: Raw, name: str) -> Any:
        """Ask a pragma."""
        rows = self.run(raw, f"PRAGMA {name}")
        return rows[0][0] if rows else None

    def setting_text(self, name: str, value: Any) -> tuple[str, Any]:
        """A pragma takes no parameters."""
        return f"PRAGMA {name} = {value}", None

    def lexical_mode(self, raw: Raw) -> LexicalMode:
        """Return the dialect's own."""
        return LexicalMode(self.dialect)

    def forget_lexical_mode(self, raw: Raw) -> None:
        """It does not change."""

    def volatility(self, raw: Raw, name: str, schema: str | None) -> bool | None:
        """Built-in functions read; an application's own may do anything."""
        with fork_gate:
            ((builtin,),) = unwrapped(raw).execute(BUILTIN, (name,)).fetchall()
        return None if builtin is None else not builtin

    def is_plain(self, raw: Raw, text: str, tables: Sequence[Table]) -> bool:
        """Follow views; the program's own functions may do anything."""
        return is_plain(partial(self.run, raw), text)

    def rights_on_replica(self, raw: Raw) -> tuple[str, ...]:
        """None: a file that is opened read-only takes no write."""
        return ()

    def fault(self, exc: BaseException, raw: Raw | None) -> Fault:
        """By result code; by text where Python shows none."""
        if not isinstance(exc, sqlite3.Error):
            return Fault.STATEMENT
        if isinstance(exc, sqlite3.IntegrityError) and is_fence_text(str(exc)):
            return Fault.MOVED
        code = getattr(exc, "sqlite_errorcode", None)
        if code is not None:
            return fault_of_code(code)
        return fault_of_text(str(exc), has_codes=sys.version_info >= (3, 11))


def _connect(connect: Callable[..., Raw], node: NodeConfig, timeout_s: float) -> Raw:
    options: dict[str, Any] = {
        "timeout": timeout_s,
        "factory": Connection,
        **node.options,
        "check_same_thread": False,
    }
    options.pop("isolation_level", None)
    with fork_gate:
        raw = connect(**options)
    raw.isolation_level = None
    if isinstance(raw, Connection):
        raw.is_read_only = node.is_read_only
        _identify(raw, options)
    return raw


def _made(**options: Any) -> Raw:
    return options["factory"](**options)  # what sqlite3.connect does in C


def native(sql: str, parameters: Any) -> tuple[str, Any]:
    """Return a text and its `parameters` as sqlite3 takes them.

    Both may be pyformat or sqlite3's own already. Raises ProgrammingError.
    """
    text, order = to_qmark(sql)
    return text, arguments(order, parameters)


def arguments(order: tuple[str, ...] | None, parameters: Any) -> Any:
    """Return the parameters in the order of the question marks."""
    if order is None:
        if hasattr(parameters, "keys") and parameters:
            return parameters  # sqlite3's own :name style
        return parameters if not hasattr(parameters, "keys") else ()
    if not hasattr(parameters, "keys"):
        raise errors.ProgrammingError(
            "the text has named placeholders (%(name)s): parameters must be a mapping, "
            f"not {type(parameters).__name__}"
        )
    try:
        return [parameters[name] for name in order]
    except KeyError as exc:
        raise errors.ProgrammingError(
            f"no value for parameter {exc.args[0]!r}"
        ) from None


def _identify(raw: Connection, options: dict[str, Any]) -> None:
    """Remember which file this is, under the name it was opened by, and how."""
    raw.converts = bool(options.get("detect_types"))
    database = os.fspath(options["database"])
    path = database
    if options.get("uri"):
        path = unquote(database.removeprefix("file:").partition("?")[0])
    if path not in ("", ":memory:"):
        raw.path = os.path.abspath(path)
        raw.identity = _identity(raw.path)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


ADAPTER = Sqlite3Adapter()
