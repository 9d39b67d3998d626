"""What every driver's adapter offers; a driver's own file holds only what differs.

An adapter is stateless apart from its caches. It works on *raw*, the driver's own
connection, and never on our objects. One instance serves a whole runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from routedb import errors
from routedb.adapters.placement_table import PlacementTable
from routedb.adapters.two_phase import Branches, Decisions
from routedb.config.model import NodeConfig
from routedb.errors import Fault
from routedb.sql.lexical_mode import LexicalMode
from routedb.sql.statement import Table, TxMode
from routedb.topology.commit_status import CommitNote, StatusReply
from routedb.topology.snapshot import Answer

__all__ = [
    "AUTOCOMMIT",
    "Adapter",
    "Branches",
    "Commits",
    "Decisions",
    "Fault",
    "PlacementTable",
    "Raw",
    "RawCursor",
    "ResultSet",
    "TxMode",
]

AUTOCOMMIT = TxMode(autocommit=True)  # what `Adapter.connect` leaves behind

Raw = Any  # the driver's connection


class ResultSet(Protocol):
    """What a virtual cursor fetches from, by PEP 249's names: the driver's cursor, or
    the merged result of a statement that ran on several shards.

    Asked for by `getattr`, so that a driver may be without them: rownumber, scroll and
    nextset (PEP 249, optional), query, statusmessage and pgresult_ptr (psycopg2).
    """

    arraysize: int

    @property
    def description(self) -> Any:
        """The columns of the result; None when there is none."""

    @property
    def rowcount(self) -> int:
        """Rows of the last statement, -1 when that is not known."""

    @property
    def lastrowid(self) -> Any:
        """The key of the last row inserted; None when that is not known."""

    def fetchone(self) -> Any:
        """Return the next row, or None after the last."""

    def fetchmany(self, size: int = ..., /) -> Any:
        """Return up to `size` rows, by default `arraysize`."""

    def fetchall(self) -> Any:
        """Return all rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""

    def close(self) -> None:
        """Let go of the result."""


class RawCursor(ResultSet, Protocol):
    """The driver's cursor, or what stands for one: it runs statements as well.

    Some of its methods are one driver's: copy_expert, mogrify, executescript …
    """

    def execute(self, query: Any, vars: Any = ..., /) -> Any:  # noqa: A002
        """Run the text `query` with `vars`, in the style that its adapter names."""

    def executemany(self, query: Any, rows: Iterable[Any], /) -> Any:
        """Run the text `query` for each set of parameters in `rows`."""

    def callproc(self, name: str, parameters: Any = ..., /) -> Any:
        """Call the procedure `name`; return `parameters` as the driver leaves them."""


class Commits(Protocol):
    """Queries for what became of a commit whose answer was lost."""

    def note(self, raw: Raw, last: CommitNote | None = None) -> CommitNote | None:
        """Note the open transaction before its commit; None when it has no id. `last`
        is the same session's last note, if any."""

    def sight(self, raw: Raw, note: CommitNote) -> StatusReply | None:
        """Return what a writer knows of the transaction in `note`; None: it is no
        writer."""

    def end(self, raw: Raw, note: CommitNote) -> bool:
        """End the session of the transaction in `note` if it waits for a statement;
        tell whether it did."""


class Adapter(Protocol):
    """One driver. Every method may raise the driver's own exceptions, except where
    it says never."""

    engine: str  # as in NodeConfig.engine
    dialect: str  # as routedb.classify takes it
    fetches_buffered: (
        bool  # the raw cursor holds all rows after execute: fetch cannot fail
    )
    is_concurrent: bool  # may several threads use one raw connection at the same time
    is_remote: bool  # over a network, which may hang
    commits_by_raw: bool  # `commit` of what the driver has begun is its own `commit()`
    joins_begin: bool  # its cursors can send BEGIN with a statement: see `part`
    tells_server: bool  # an address may lead to several servers, and a link is asked
    commits: Commits | None  # None: not available for this server
    branches: Branches  # of transactions over several groups
    decisions: Decisions
    placements: PlacementTable
    references: int  # references that the driver keeps to each idle connection
    # What a transaction's rollback undoes: of what the transaction has set, and of what
    # it has made in the session (temporary tables, prepared statements …).
    rollback_undoes_settings: bool
    rollback_undoes_objects: bool
    script_is_transaction: bool  # a text of several statements, outside of any other
    begins_before_some_writes: bool  # by itself; what others have written lasts at once
    hides_uncommitted: bool  # what a transaction writes, up to its commit
    # A text that fails, after which the server refuses everything up to a rollback;
    # None where a statement that fails leaves the rest of its transaction as it is.
    failing_text: str | None
    # The setting that tells later transactions' isolation level, where that decides
    # whether a replica may answer.
    isolation_setting: str | None
    # Asks for the names of what the session has set, where a text may not tell.
    session_settings: str | None

    def connect(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open a connection in autocommit mode within about `timeout_s` seconds."""

    def connect_apart(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open the same for the monitor, within `timeout_s` seconds, without the hooks
        that the program sets on its driver to wait for its own connections."""

    def keep_alive(self, raw: Raw, node: NodeConfig, silent_s: float) -> None:
        """Enable TCP keep-alive: probe the connection after `silent_s` seconds without
        data. Does nothing where the node's options set it. Never raises."""

    def close(self, raw: Raw) -> None:
        """Close. Never raises."""

    def end(self, raw: Raw) -> None:
        """Close, and wait a moment until the server has ended the session as well.
        Never raises."""

    def abandon(self, raw: Raw) -> None:
        """In a forked child: make sure that nothing is ever sent on the shared socket,
        not by a later garbage collection either. Never raises."""

    def interrupt(self, raw: Raw) -> None:
        """From another thread: make a call that waits on this connection's socket fail
        now, by shutting the socket down. Never raises."""

    def cancel(self, raw: Raw, node: NodeConfig, timeout_s: float) -> None:
        """From another thread: ask the server to end the statement that runs on this
        connection, which then fails. Where none runs, nothing happens.

        A server that does not answer is waited for about `timeout_s` seconds."""

    def backend_id(self, raw: Raw) -> int:
        """Return the number by which the server knows the session of `raw`, 0 where it
        has none; without a round trip."""

    def is_alive(self, raw: Raw) -> bool:
        """Tell, without a round trip, whether an idle connection can still be used."""

    def watch(self, raw: Raw) -> Callable[[Raw], bool] | None:
        """Return a cheaper `is_alive`, to be called with `raw` from now on; when it
        says False, `is_alive` knows. None: there is none."""

    def is_idle(self, raw: Raw) -> bool:
        """Tell whether no transaction is open: without a round trip, except on MySQL,
        whose driver does not show what the server says of it."""

    def is_busy(self, raw: Raw) -> bool:
        """Tell, without a round trip, whether a statement of another thread is under
        way; asked where `is_concurrent` only."""

    def is_failed(self, raw: Raw) -> bool:
        """Tell, without a round trip, whether the server refuses everything up to a
        rollback (PostgreSQL's aborted transaction; elsewhere always False)."""

    def probe(self, raw: Raw) -> Answer:
        """Ask for role, version, position, lag; one query (two on MySQL)."""

    def server(self, raw: Raw) -> str | None:
        """Ask for what no other server tells, as `Answer.server` has it; None where
        there is nobody to ask."""

    def set_mode(self, raw: Raw, mode: TxMode) -> None:
        """Set the `mode` of later transactions. Called outside a transaction only."""

    def begin(self, raw: Raw, mode: TxMode) -> None:
        """Begin a transaction in `mode` by statement, also in autocommit mode."""

    def commit(self, raw: Raw) -> None:
        """Commit, also a transaction that was begun by text."""

    def rollback(self, raw: Raw) -> None:
        """Roll back, also a transaction that was begun by text."""

    def part(self, raw: Raw) -> None:
        """Let the driver begin transactions again, after one that began with its first
        statement."""

    def reset(self, raw: Raw, node: NodeConfig) -> bool:
        """Undo whatever the last user may have done to a connection, in the driver and
        on the server; then it is as after `connect` to `node`.

        Called outside a transaction. False: not possible, it must be closed.
        """

    def resets_all(self, raw: Raw) -> bool:
        """Ask the server, once a session and after a reset: tell whether nothing that
        a session of this user may keep is out of the reach of `reset`."""

    def cursor(self, raw: Raw) -> RawCursor:
        """Open a cursor of the driver's default class."""

    def exact_cursor(self, raw: Raw) -> RawCursor:
        """Open a cursor whose values say all that the server has said, whatever the
        program has registered: texts, or Python's where these are as exact."""

    def run(self, raw: Raw, sql: str) -> list[tuple[Any, ...]]:
        """Run a text without parameters; return its rows, or [] when it has none."""

    def ask_setting(self, raw: Raw, name: str) -> Any:
        """Ask what the setting `name` is in the session of `raw`; None when the server
        does not say."""

    def setting_text(self, name: str, value: Any) -> tuple[str, Any]:
        """Return the text that gives the setting `name` this value, and its
        parameters."""

    def lexical_mode(self, raw: Raw) -> LexicalMode:
        """Return how the session of `raw` reads quotes: without a round trip where the
        server reports it; else it is asked once, until `forget_lexical_mode`."""

    def forget_lexical_mode(self, raw: Raw) -> None:
        """What has run on `raw` may have changed that. Never raises."""

    def volatility(self, raw: Raw, name: str, schema: str | None) -> bool | None:
        """Ask the catalog: True when any routine called `name`, in `schema` if given,
        may write, False when none may, None when there is none."""

    def is_plain(self, raw: Raw, text: str, tables: Sequence[Table]) -> bool:
        """Ask the catalog whether a read of this `text`, which is without literals and
        names these `tables`, certainly writes nothing on the writer: neither do the
        views, policies, functions, operators and types behind it. Names count in every
        schema. What is not understood may write."""

    def rights_on_replica(self, raw: Raw) -> tuple[str, ...]:
        """Return the names of the rights by which this user may write on a replica;
        none where a replica refuses everybody's writes."""

    def fault(self, exc: BaseException, raw: Raw | None) -> Fault:
        """Return the kind of fault of the driver's `exc`; `raw` is None when it was
        raised by connecting. Never raises."""

    def adopt(self, exc: BaseException) -> BaseException:
        """Make a driver's exception also an instance of routedb's class of the same
        PEP 249 name, by assigning `__class__`; return it. Others return unchanged."""

    def error_class(self, kind: type[errors.Error]) -> type[errors.Error]:
        """Return the class to raise for an error of ours on a connection of this
        frontend: also a subclass of the driver's class of the same PEP 249 name."""
