"""Servers that answer and fail as scripted, and the links and cursors on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple

from routedb.adapters.base import TxMode
from routedb.adapters.fake.errors import Error, IntegrityError, OperationalError
from routedb.config.placements import Placements
from routedb.errors import Fault
from routedb.topology.snapshot import Role

MOST_LOGGED = 100_000


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

    # "connect" | "execute" | "commit" | "rollback" | "probe" | "catalog" | "placements"
    moment: str
    fault: Fault
    match: str = ""
    after: bool = False


SERVERS: dict[str, Server] = {}


class Server:
    """A scripted server. `name` is what follows fake:// in a DSN.

    `role` is "writer" or "replica", `dialect_version` what a probe reports.
    """

    def __init__(self, name: str, role: str = "writer", dialect_version: str = "1.0"):
        if name in SERVERS:
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
        self.prepared: dict[str, list[tuple[str, str]]] = {}  # branch -> its rows
        self.decisions: dict[str, str] = {}  # committed rows of routedb_decisions
        self.placements: Placements | None = None  # of tables; None: it has none
        self._replies: list[tuple[str, Reply]] = []
        self._failures: list[Failure] = []
        self._known: dict[str, Reply] = {}
        self._opened = 0
        SERVERS[name] = self

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
        SERVERS.pop(self.name, None)

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
        self.rows: list[tuple[str, str]] = []  # decisions, not committed yet

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
            self._follow_end(text)
        elif text.startswith("PREPARE TRANSACTION "):
            server.prepared[text.split("'")[1]] = self.rows
            self.rows, self.in_transaction = [], False
        if server.has_script:
            self._check(text, after=True)

    def _follow_end(self, text: str) -> None:
        verb, prepared, branch = text.partition(" PREPARED ")
        rows = self.rows
        if prepared:
            rows = self.server.prepared.pop(branch.strip("'"))
        else:
            self.rows, self.in_transaction = [], False
        if verb != "ROLLBACK":
            self.server.decisions.update(rows)

    def commit(self) -> None:
        """Commit, as a driver does."""
        self.end("COMMIT")

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
