"""A scripted driver, for the tests of routedb and of those who use it. No I/O.

A `Server` is what the DSN `fake://name` connects to. It answers and fails as scripted,
and keeps a log of what reached it:

    >>> import routedb
    >>> from routedb.adapters import fake
    >>> with fake.Server("db1") as db1:
    ...     db1.answer("SELECT", rows=[("Ada",)], columns=["name"])
    ...     with routedb.connect("fake://db1", autocommit=True) as conn:
    ...         cur = conn.cursor()
    ...         cur.execute("SELECT name FROM person WHERE id = %s", (1,))
    ...         cur.fetchone()
    ...     db1.texts
    ('Ada',)
    ['SELECT name FROM person WHERE id = %s']
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple

from routedb.adapters.base import AUTOCOMMIT, Commits, Raw, RawCursor, TxMode
from routedb.adapters.translate import Translation
from routedb.config.model import NodeConfig
from routedb.errors import Fault
from routedb.sql.lexical_mode import LexicalMode
from routedb.sql.scanner.names import names_in
from routedb.sql.statement import Table
from routedb.topology.snapshot import Answer, Role

MOST_LOGGED = 100_000


class Warning(Exception):  # noqa: A001  (the names are PEP 249's)
    """The fake driver's own classes, as every driver has them."""


class Error(Exception):
    """An error with this `message`, for which the adapter reports `fault`."""

    def __init__(self, message: str = "", fault: Fault = Fault.STATEMENT) -> None:
        super().__init__(message)
        self.fault = fault


class InterfaceError(Error):
    """See Error."""


class DatabaseError(Error):
    """See Error."""


class DataError(DatabaseError):
    """See Error."""


class OperationalError(DatabaseError):
    """See Error."""


class IntegrityError(DatabaseError):
    """See Error."""


class InternalError(DatabaseError):
    """See Error."""


class ProgrammingError(DatabaseError):
    """See Error."""


class NotSupportedError(DatabaseError):
    """See Error."""


class Entry(NamedTuple):
    """One thing that reached a server. `text` is SQL, or COMMIT and ROLLBACK."""

    link: int  # number of the connection, from 1
    text: str
    params: Any = None


class Reply(NamedTuple):
    """One scripted answer."""

    rows: Sequence[Any] = ()
    description: Any = None
    rowcount: int = -1
    error: Exception | None = None


class Failure(NamedTuple):
    """A scripted fault. `after`: the server has done what was requested, and logs
    it."""

    # "connect" | "execute" | "commit" | "rollback" | "probe" | "catalog"
    moment: str
    fault: Fault
    match: str = ""
    after: bool = False


_servers: dict[str, Server] = {}


class Server:
    """A scripted server. `name` is what follows fake:// in a DSN.

    `role` is "writer" or "replica", `dialect_version` what a probe reports.
    """

    def __init__(self, name: str, role: str = "writer", dialect_version: str = "1.0"):
        if name in _servers:
            raise ValueError(f"there is a fake server {name!r} already; close it first")
        self.name = name
        self.role = Role(role)
        self.version = dialect_version
        self.position: str | None = None
        self.history: str | None = "1"
        self.lag_s: float | None = 0.0
        self.identity: str | None = None  # links that are opened now tell this
        self.is_up = True
        self.log: deque[Entry] = deque(maxlen=MOST_LOGGED)
        self.links: list[Link] = []
        self.volatile: dict[str, bool] = {}  # function -> may write, for its catalog
        self.hides: set[str] = set()  # relations behind which something may write
        self.asked: list[str] = []  # what its catalog was asked about
        self._replies: list[tuple[str, Reply]] = []
        self._failures: list[Failure] = []
        self._known: dict[str, Reply] = {}
        self._opened = 0
        _servers[name] = self

    # -- scripting -------------------------------------------------------------------

    def answer(
        self,
        beginning: str,
        rows: Sequence[Any] = (),
        columns: Sequence[str] = (),
        rowcount: int | None = None,
        error: Exception | None = None,
    ) -> None:
        """Answer texts that begin with `beginning` so; the latest script that fits
        wins.

        `rows` have one value for each of `columns`. `rowcount` is by default their
        number. An `error` is raised instead.
        """
        description = [(c, None, None, None, None, None, None) for c in columns] or None
        count = len(rows) if rowcount is None and description else rowcount
        reply = Reply(rows, description, -1 if count is None else count, error)
        self._replies.insert(0, (beginning, reply))
        self._known.clear()

    def fail(
        self,
        moment: str,
        fault: Fault = Fault.LINK_LOST,
        match: str = "",
        times: int = 1,
        after: bool = False,
    ) -> None:
        """Raise `fault` at the next `times` of this moment, for texts that hold
        `match`.

        `moment` is one of those of Failure. `after`: the server has done what was
        requested before it fails.
        """
        self._failures += [Failure(moment, fault, match, after)] * times

    def stop(self) -> None:
        """Refuse connections and drop those there are."""
        self.is_up = False
        self.drop_links()

    def start(self) -> None:
        """Accept connections again."""
        self.is_up = True

    def drop_links(self) -> None:
        """Close every connection, without an error message."""
        for link in self.links:
            link.closed = True
        self.links = []

    @property
    def texts(self) -> list[str]:
        """The texts that reached the server, in order."""
        return [entry.text for entry in self.log]

    def close(self) -> None:
        """Free the name for another server."""
        self.stop()
        _servers.pop(self.name, None)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- what the driver calls ---------------------------------------------------------

    def connect(self) -> Link:
        """Open a connection, as the adapter does for its DSN."""
        self.check("connect")
        if not self.is_up:
            raise OperationalError(f"{self.name} refuses connections", Fault.REFUSED)
        self._opened += 1
        link = Link(self, self._opened)
        self.links.append(link)
        return link

    def reply(self, text: str) -> Reply:
        """Return the answer to a text; the search is done once per text."""
        reply = self._known.get(text)
        if reply is None:
            found = (r for beginning, r in self._replies if text.startswith(beginning))
            reply = self._known[text] = next(found, Reply())
        return reply

    def check(self, moment: str, text: str = "", after: bool = False) -> None:
        """Raise the failure that was scripted for `moment` and `text`, if any.

        `after`: the request has been carried out; only such failures fit.
        """
        for failure in self._failures:
            if (failure.moment, failure.after) == (moment, after) and (
                failure.match in text
            ):
                self._failures.remove(failure)
                kind = IntegrityError if failure.fault is Fault.STATEMENT else None
                raise (kind or OperationalError)(
                    f"{self.name}: scripted {failure.fault.value}", failure.fault
                )

    @property
    def has_script(self) -> bool:
        """Tell whether any failure is still to come."""
        return bool(self._failures)


class Link:
    """A raw connection to a fake server; `number` counts them from 1."""

    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        self.number = number
        self.identity = server.identity
        self.closed = False
        self.mode = TxMode(autocommit=True)
        self.in_transaction = False

    def use(self, text: str, params: Any = None) -> None:
        """Log `text` and `params`, fail if scripted to, follow transaction control."""
        server = self.server
        if self.closed:
            raise OperationalError(f"{server.name}: link is closed", Fault.LINK_LOST)
        if server.has_script:
            self._check(text)
        server.log.append(Entry(self.number, text, params))
        if not self.mode.autocommit:
            self.in_transaction = True
        word = text[:8].upper()
        if word.startswith(("BEGIN", "START TR")):
            self.in_transaction = True
        elif word.startswith(("COMMIT", "ROLLBACK", "END")) and " TO" not in text:
            self.in_transaction = False
        if server.has_script:
            self._check(text, after=True)

    def end(self, text: str) -> None:
        """Commit or roll back."""
        self.use(text)
        self.in_transaction = False

    def _check(self, text: str, after: bool = False) -> None:
        moment = {"COMMIT": "commit", "ROLLBACK": "rollback"}.get(text, "execute")
        try:
            self.server.check(moment, text, after)
        except Error as exc:
            if exc.fault is Fault.LINK_LOST:
                self.closed = True
            raise


class Cursor:
    """A raw cursor."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.arraysize = 1
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: Any = None
        self.is_closed = False
        self._rows: Iterator[Any] = iter(())

    def execute(self, sql: Any, params: Any = None) -> None:
        """Send a text with `params` to the server and take its answer."""
        self.link.use(sql, params)
        reply = self.link.server.reply(sql)
        if reply.error is not None:
            raise reply.error
        self.description = reply.description
        self.rowcount = reply.rowcount
        self._rows = iter(reply.rows)

    def executemany(self, sql: Any, rows: Iterable[Any]) -> None:
        """Send a text once for each parameter set in `rows`."""
        for params in rows:
            self.execute(sql, params)

    def callproc(self, name: str, params: Sequence[Any] = ()) -> Sequence[Any]:
        """Call the procedure `name` with `params`; return them."""
        self.execute(f"CALL {name}", params)
        return params

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return up to `size` rows."""
        wanted = self.arraysize if size is None else size
        return list(islice(self._rows, wanted))

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return list(self._rows)

    def nextset(self) -> None:
        """There is never another set."""

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def close(self) -> None:
        """Note that it was called."""
        self.is_closed = True


class FakeAdapter:
    """The adapter of fake servers. Texts are read as PostgreSQL's."""

    engine = "fake"
    dialect = "postgresql"
    fetches_buffered = True
    is_concurrent = True
    is_remote = True
    joins_begin = False
    tells_server = False  # a test that scripts identities sets it
    commits: Commits | None = None
    references = 1  # its server's list of links
    rollback_undoes_settings = True
    rollback_undoes_objects = True
    script_is_transaction = True
    begins_before_some_writes = False
    hides_uncommitted = True
    isolation_setting: str | None = "default_transaction_isolation"
    session_settings: str | None = None

    def __init__(self) -> None:
        self._translation = Translation(sys.modules[__name__])
        self.adopt = self._translation.adopt
        self.error_class = self._translation.error_class

    def connect(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open a connection to the server of that name."""
        server = _servers.get(node.dsn.partition("://")[2])
        if server is None:
            raise OperationalError(f"no fake server {node.name}", Fault.REFUSED)
        return server.connect()

    def connect_apart(self, node: NodeConfig, timeout_s: float) -> Raw:
        """The same: this driver has no hooks."""
        return self.connect(node, timeout_s)

    def keep_alive(self, raw: Raw, node: NodeConfig, silent_s: float) -> None:
        """Do nothing: there is no socket."""

    def close(self, raw: Raw) -> None:
        """Close."""
        raw.closed = True
        if raw in raw.server.links:
            raw.server.links.remove(raw)

    def end(self, raw: Raw) -> None:
        """There is nothing to wait for."""
        self.close(raw)

    def abandon(self, raw: Raw) -> None:
        """Forget it."""
        raw.closed = True

    def interrupt(self, raw: Raw) -> None:
        """Break it."""
        raw.closed = True

    def cancel(self, raw: Raw, node: NodeConfig, timeout_s: float) -> None:
        """Do nothing: no statement is ever under way."""

    def backend_id(self, raw: Raw) -> int:
        """Return which link of its server it is."""
        return int(raw.number)

    def watch(self, raw: Raw) -> None:
        """It costs nothing as it is."""

    def is_alive(self, raw: Raw) -> bool:
        """Tell whether it is open."""
        return not raw.closed

    def is_idle(self, raw: Raw) -> bool:
        """Tell whether no transaction is open."""
        return not raw.in_transaction

    def is_busy(self, raw: Raw) -> bool:
        """No statement is ever under way."""
        return False

    def is_failed(self, raw: Raw) -> bool:
        """A fake server goes on after an error."""
        return False

    def probe(self, raw: Raw) -> Answer:
        """Return the scripted role and position."""
        server = raw.server
        if raw.closed:
            raise OperationalError(f"{server.name}: link is closed", Fault.LINK_LOST)
        server.check("probe")
        return Answer(
            server.role,
            server.version,
            server.position,
            server.history,
            server.lag_s,
            server=raw.identity,
        )

    def server(self, raw: Raw) -> str | None:
        """Return the scripted identity."""
        identity: str | None = raw.identity
        return identity

    def set_mode(self, raw: Raw, mode: TxMode) -> None:
        """Keep the mode."""
        raw.mode = mode

    def begin(self, raw: Raw, mode: TxMode) -> None:
        """Log a BEGIN."""
        raw.use("BEGIN READ ONLY" if mode.read_only else "BEGIN")

    def commit(self, raw: Raw) -> None:
        """Log a COMMIT."""
        raw.end("COMMIT")

    def rollback(self, raw: Raw) -> None:
        """Log a ROLLBACK."""
        raw.end("ROLLBACK")

    def part(self, raw: Raw) -> None:
        """None begins with its first statement."""

    def reset(self, raw: Raw, node: NodeConfig) -> bool:
        """Log a DISCARD ALL."""
        raw.mode = AUTOCOMMIT
        raw.use("DISCARD ALL")
        return not raw.closed

    def resets_all(self, raw: Raw) -> bool:
        """A fake session keeps nothing else."""
        return True

    def cursor(self, raw: Raw) -> RawCursor:
        """Open a cursor."""
        return Cursor(raw)

    def run(self, raw: Raw, sql: str) -> list[tuple[Any, ...]]:
        """Run a text."""
        cursor = Cursor(raw)
        cursor.execute(sql)
        return cursor.fetchall()

    def ask_setting(self, raw: Raw, name: str) -> Any:
        """Ask the server, which says what the script does."""
        rows = self.run(raw, f"SHOW {name}")
        return rows[0][0] if rows else None

    def setting_text(self, name: str, value: Any) -> tuple[str, Any]:
        """As PostgreSQL has it."""
        return f"SET {name} = %s", (value,)

    def lexical_mode(self, raw: Raw) -> LexicalMode:
        """Return the dialect's own."""
        return LexicalMode(self.dialect)

    def forget_lexical_mode(self, raw: Raw) -> None:
        """It does not change."""

    def volatility(self, raw: Raw, name: str, schema: str | None) -> bool | None:
        """Look it up in the scripted catalog."""
        known: bool | None = raw.server.volatile.get(name)
        return known

    def is_plain(self, raw: Raw, text: str, tables: Sequence[Table]) -> bool:
        """Look every name up in the scripted catalog."""
        server = raw.server
        if raw.closed:
            raise OperationalError(f"{server.name}: link is closed", Fault.LINK_LOST)
        server.check("catalog", text)
        server.asked.append(text)
        names = names_in(text)
        hidden = {name for name, writes in server.volatile.items() if writes}
        return not names & (hidden | server.hides)

    def rights_on_replica(self, raw: Raw) -> tuple[str, ...]:
        """None: a scripted replica refuses what it is told to."""
        return ()

    def fault(self, exc: BaseException, raw: Raw | None) -> Fault:
        """Return the fault that the exception has."""
        return exc.fault if isinstance(exc, Error) else Fault.STATEMENT


ADAPTER = FakeAdapter()
