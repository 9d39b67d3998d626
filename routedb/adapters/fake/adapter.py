"""The adapter of scripted servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routedb.adapters.base import (
    AUTOCOMMIT,
    Branches,
    Commits,
    Decisions,
    PlacementTable,
    Raw,
    RawCursor,
    TxMode,
)
from routedb.adapters.fake import errors
from routedb.adapters.fake.placements import FakePlacements
from routedb.adapters.fake.server import SERVERS, Cursor
from routedb.adapters.fake.two_phase import FakeBranches, FakeDecisions
from routedb.adapters.translate import Translation
from routedb.config.model import NodeConfig
from routedb.errors import Fault
from routedb.sql.lexical_mode import LexicalMode
from routedb.sql.scanner.names import names_in
from routedb.sql.statement import Table
from routedb.topology.snapshot import Answer


class FakeAdapter:
    """The adapter of fake servers. Texts are read as PostgreSQL's."""

    engine = "fake"
    dialect = "postgresql"
    fetches_buffered = True
    is_concurrent = True
    is_remote = True
    commits_by_raw = True
    joins_begin = False
    tells_server = False  # a test that scripts identities sets it
    commits: Commits | None = None
    references = 1  # its server's list of links
    rollback_undoes_settings = True
    rollback_undoes_objects = True
    script_is_transaction = True
    begins_before_some_writes = False
    hides_uncommitted = True
    failing_text: str | None = None
    isolation_setting: str | None = "default_transaction_isolation"
    session_settings: str | None = None

    def __init__(self) -> None:
        self._translation = Translation(errors)
        self.branches: Branches = FakeBranches()
        self.decisions: Decisions = FakeDecisions(self.run)
        self.placements: PlacementTable = FakePlacements(self.run)
        self.adopt = self._translation.adopt
        self.error_class = self._translation.error_class

    def connect(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open a connection to the server of that name."""
        server = SERVERS.get(node.dsn.partition("://")[2])
        if server is None:
            raise errors.OperationalError(f"no fake server {node.name}", Fault.REFUSED)
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
            raise errors.OperationalError(
                f"{server.name}: link is closed", Fault.LINK_LOST
            )
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
        raw.commit()

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

    def exact_cursor(self, raw: Raw) -> RawCursor:
        """Its values are what they are."""
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
            raise errors.OperationalError(
                f"{server.name}: link is closed", Fault.LINK_LOST
            )
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
        return exc.fault if isinstance(exc, errors.Error) else Fault.STATEMENT


ADAPTER = FakeAdapter()
