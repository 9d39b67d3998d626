"""A driver without servers: every node answers, and does nothing.

With it the engine itself decides, transactions and settings included, so that the
report on a query log is what will happen, not what a second implementation says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from routedb import errors
from routedb.adapters.base import (
    Branches,
    Commits,
    Decisions,
    Fault,
    PlacementTable,
    Raw,
    RawCursor,
    TxMode,
)
from routedb.adapters.sqlite.two_phase import NoBranches
from routedb.config.model import NodeConfig
from routedb.sql import Classifier, TxEffect
from routedb.sql.lexical_mode import LexicalMode
from routedb.sql.statement import Table
from routedb.topology.snapshot import Answer, Role

_BEGINS = frozenset(
    {TxEffect.BEGIN, TxEffect.COMMIT_AND_CHAIN, TxEffect.ROLLBACK_AND_CHAIN}
)
_ENDS = frozenset({TxEffect.COMMIT, TxEffect.ROLLBACK, TxEffect.PREPARE})


class Connection:
    """The driver's connection: it tracks whether a transaction is open."""

    def __init__(self, classifier: Classifier) -> None:
        self.autocommit = True
        self.is_idle = True
        self._classifier = classifier

    def follow(self, sql: str) -> None:
        """Note what a text does to the transaction."""
        if not self.autocommit:
            self.is_idle = False
        classifier = self._classifier
        for step in classifier.statement(classifier.scan(sql)).tx:
            if step.effect in _BEGINS:
                self.is_idle = False
            elif step.effect in _ENDS:
                self.is_idle = True


class Cursor:
    """The driver's cursor: no statement has a result."""

    description = None
    lastrowid = None
    rowcount = 0

    def __init__(self, raw: Connection) -> None:
        self.arraysize = 1
        self._raw = raw

    def execute(self, sql: str, params: Any = None) -> None:
        """Note what a text does to the transaction; ignore `params`."""
        self._raw.follow(sql)

    def executemany(self, sql: str, rows: Iterable[Any]) -> None:
        """Do the same; ignore `rows`."""
        self._raw.follow(sql)

    def callproc(self, name: str, params: Sequence[Any] = ()) -> Sequence[Any]:
        """Return `params`; nothing is called by this `name`."""
        return params

    def fetchone(self) -> None:
        """There is no row."""

    def fetchmany(self, size: int = 1) -> list[Any]:
        """There are no rows."""
        return []

    def fetchall(self) -> list[Any]:
        """There are no rows."""
        return []

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def close(self) -> None:
        """There is nothing to close."""


class NullBranches(NoBranches):
    """Prepares what a server of the dialect would."""

    def __init__(self, dialect: str) -> None:
        self.can_prepare = dialect != "sqlite"
        self.is_named_at_begin = dialect == "mysql"


class NullAdapter:
    """The adapter of one dialect."""

    engine = "null"
    fetches_buffered = True
    is_concurrent = True
    is_remote = False
    commits_by_raw = False
    joins_begin = False
    tells_server = False
    commits: Commits | None = None
    references = 0
    isolation_setting: str | None = None  # there is nobody to ask
    session_settings: str | None = None

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.branches: Branches = NullBranches(dialect)
        self.decisions: Decisions = Decisions(lambda raw, sql: [("",)])
        self.placements = PlacementTable(lambda raw, sql: [])
        self.begins_before_some_writes = dialect == "sqlite"
        self.hides_uncommitted = True
        self.failing_text: str | None = None
        self.rollback_undoes_settings = dialect == "postgresql"
        self.rollback_undoes_objects = dialect != "mysql"
        self.script_is_transaction = dialect == "postgresql"
        self._classifier = Classifier(dialect)

    def connect(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Return a connection without a server."""
        return Connection(self._classifier)

    connect_apart = connect

    def keep_alive(self, raw: Raw, node: NodeConfig, silent_s: float) -> None:
        """Do nothing: there is no socket."""

    def close(self, raw: Raw) -> None:
        """There is nothing to close."""

    def end(self, raw: Raw) -> None:
        """There is nothing to wait for."""
        self.close(raw)

    def abandon(self, raw: Raw) -> None:
        """There is nothing to abandon."""

    def interrupt(self, raw: Raw) -> None:
        """There is nothing to interrupt."""

    def cancel(self, raw: Raw, node: NodeConfig, timeout_s: float) -> None:
        """Nothing runs."""

    def backend_id(self, raw: Raw) -> int:
        """There is no server."""
        return 0

    def watch(self, raw: Raw) -> None:
        """It costs nothing as it is."""

    def is_alive(self, raw: Raw) -> bool:
        """Return True."""
        return True

    def is_idle(self, raw: Raw) -> bool:
        """Tell whether no transaction is open."""
        return bool(raw.is_idle)

    def is_busy(self, raw: Raw) -> bool:
        """No statement is ever under way."""
        return False

    def is_failed(self, raw: Raw) -> bool:
        """Nothing fails."""
        return False

    def probe(self, raw: Raw) -> Answer:
        """Return the answer of any node; no monitor runs."""
        return Answer(Role.UNKNOWN)

    def server(self, raw: Raw) -> str | None:
        """There is nobody to ask."""
        return None

    def set_mode(self, raw: Raw, mode: TxMode) -> None:
        """Keep whether the mode is autocommit."""
        raw.autocommit = mode.autocommit

    def begin(self, raw: Raw, mode: TxMode) -> None:
        """Begin."""
        raw.is_idle = False

    def commit(self, raw: Raw) -> None:
        """End the transaction."""
        raw.is_idle = True

    def rollback(self, raw: Raw) -> None:
        """End the transaction."""
        raw.is_idle = True

    def part(self, raw: Raw) -> None:
        """None begins with its first statement."""

    def reset(self, raw: Raw, node: NodeConfig) -> bool:
        """Return True: nothing was changed."""
        return True

    def resets_all(self, raw: Raw) -> bool:
        """Return True: nothing can be."""
        return True

    def cursor(self, raw: Raw) -> RawCursor:
        """Open a cursor."""
        return Cursor(raw)

    def exact_cursor(self, raw: Raw) -> RawCursor:
        """Its values are what they are."""
        return Cursor(raw)

    def run(self, raw: Raw, sql: str) -> list[tuple[Any, ...]]:
        """Run nothing."""
        raw.follow(sql)
        return []

    def ask_setting(self, raw: Raw, name: str) -> Any:
        """There is nobody to ask."""
        return None

    def setting_text(self, name: str, value: Any) -> tuple[str, Any]:
        """Nobody reads it."""
        return f"SET {name} = %s", (value,)

    def lexical_mode(self, raw: Raw) -> LexicalMode:
        """Return the dialect's own."""
        return LexicalMode(self.dialect)

    def forget_lexical_mode(self, raw: Raw) -> None:
        """It does not change."""

    def volatility(self, raw: Raw, name: str, schema: str | None) -> bool | None:
        """There is no catalog to ask, so a function may write."""
        return True

    def is_plain(self, raw: Raw, text: str, tables: Sequence[Table]) -> bool:
        """There is no catalog to ask, so a read may write."""
        return False

    def rights_on_replica(self, raw: Raw) -> tuple[str, ...]:
        """None: nobody is asked."""
        return ()

    def fault(self, exc: BaseException, raw: Raw | None) -> Fault:
        """Return the statement's own fault: there is no server."""
        return Fault.STATEMENT

    def adopt(self, exc: BaseException) -> BaseException:
        """Leave exceptions as they are."""
        return exc

    def error_class(self, kind: type[errors.Error]) -> type[errors.Error]:
        """Errors are routedb's alone."""
        return kind
