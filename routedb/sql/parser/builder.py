"""What is found out about one statement while its tokens are read."""

from __future__ import annotations

from routedb.sql.catalog.functions import CallEffect, FunctionCatalog
from routedb.sql.catalog.system_tables import is_settings_view
from routedb.sql.session_objects import ObjectKind, SessionObject
from routedb.sql.statement import Kind, SessionEffect, Table, TxStep

# The gravest last: a text of several statements, and a statement of several effects,
# takes the gravest.
_GRAVITY = {
    kind: gravity
    for gravity, kind in enumerate(
        (
            Kind.EMPTY,
            Kind.READ,
            Kind.EXPLAIN,
            Kind.TRANSACTION,
            Kind.SESSION,
            Kind.LOCK,
            Kind.COPY,
            Kind.CALL,
            Kind.WRITE,
            Kind.DDL,
            Kind.UNKNOWN,
        )
    )
}


def gravest(one: Kind, other: Kind) -> Kind:
    """Return the kind that counts for a text of the kinds `one` and `other`."""
    return one if _GRAVITY[one] >= _GRAVITY[other] else other


class StatementBuilder:
    """Grows while one statement is read; owned by the one who reads."""

    __slots__ = (
        "asks",
        "asks_server",
        "dialect",
        "frees",
        "functions",
        "holds",
        "is_dropped_on_commit",
        "is_returning",
        "kind",
        "needs",
        "reason",
        "renames",
        "session",
        "settings",
        "tables",
        "tx",
        "verb",
        "writes",
    )

    def __init__(self, dialect: str, functions: FunctionCatalog) -> None:
        """`functions` knows what calls mean in `dialect`."""
        self.dialect = dialect
        self.functions = functions
        self.kind = Kind.READ
        self.verb = ""
        self.reason = ""
        self.is_returning = False
        self.asks_server = False  # about itself
        # Dicts for their order: sets of tables, effects, names.
        self.tables: dict[Table, None] = {}
        self.writes: dict[Table, None] = {}
        self.session: dict[SessionEffect, None] = {}
        self.settings: dict[str, None] = {}
        self.asks: dict[Table, None] = {}
        self.tx: list[TxStep] = []
        self.holds: dict[SessionObject, None] = {}
        self.frees: dict[SessionObject, None] = {}
        self.needs: dict[SessionObject, None] = {}
        self.is_dropped_on_commit = False
        self.renames: dict[tuple[str, str], None] = {}

    def mark(self, kind: Kind, reason: str) -> None:
        """Note that this is no plain read, but of `kind`, for `reason`.

        The gravest kind and the first reason are kept.
        """
        self.kind = gravest(kind, self.kind)
        self.reason = self.reason or reason

    def give_up(self, reason: str) -> None:
        """Note that the statement is not understood, for `reason`.

        What it may name stays open, and no transaction is taken to have ended; what it
        was seen to do to the session stands.
        """
        self.kind = Kind.UNKNOWN
        self.verb = ""
        self.reason = reason
        for found in (self.tables, self.writes, self.asks, self.tx):
            found.clear()

    def write(self, *tables: Table) -> None:
        """Note tables that are written."""
        for table in tables:
            self.tables[table] = None
            self.writes[table] = None
            if is_settings_view(table, self.dialect):
                self.touch(SessionEffect.SET, "*")

    def touch(self, effect: SessionEffect, *settings: str) -> None:
        """Note an effect on the session; it is then no plain read."""
        self.session[effect] = None
        self.settings.update(dict.fromkeys(settings))

    def hold(self, kind: ObjectKind, name: str = "") -> None:
        """Note that `kind` is made, under `name`, and lives on one backend only."""
        self.holds[SessionObject(kind, name)] = None

    def free(self, kind: ObjectKind, name: str = "") -> None:
        """Note that `kind` of that `name` is ended; so it is needed, too."""
        self.frees[SessionObject(kind, name)] = None
        self.need(kind, name)

    def need(self, kind: ObjectKind, name: str = "") -> None:
        """Note that `kind` of that `name` is used."""
        self.needs[SessionObject(kind, name)] = None

    def absorb(self, other: StatementBuilder) -> None:
        """Add what another statement does to the session and to its backend."""
        self.session.update(other.session)
        self.settings.update(other.settings)
        self.holds.update(other.holds)
        self.frees.update(other.frees)
        self.needs.update(other.needs)
        self.renames.update(other.renames)
        self.is_dropped_on_commit |= other.is_dropped_on_commit
        self.asks_server |= other.asks_server

    def include(self, other: StatementBuilder) -> None:
        """Add all that is known of another statement, which this one runs."""
        if other.kind is not Kind.READ or other.reason:
            self.mark(other.kind, other.reason)
        self.tables.update(other.tables)
        self.writes.update(other.writes)
        self.asks.update(other.asks)
        self.tx += other.tx
        self.absorb(other)

    def call(
        self, function: Table, is_set_local: bool = False, is_bare: bool = False
    ) -> None:
        """Note a call of `function`; `is_set_local`: its last argument is true,
        `is_bare`: it has none."""
        effect = self.functions.effect(function)
        if effect is None:
            self.asks[function] = None
        elif effect.is_of_server:
            self.asks_server = True
            self._claim(effect, is_bare)
        elif effect.reason:
            self.mark(effect.kind, effect.reason.format(function))
            if effect.session is SessionEffect.SET:
                local = SessionEffect.LOCAL if is_set_local else SessionEffect.SET
                self.touch(local, "*")
            elif effect.session is not None:
                self.touch(effect.session)
            self._claim(effect, is_bare)

    def _claim(self, effect: CallEffect, is_bare: bool) -> None:
        if effect.holds is not None:
            self.hold(effect.holds)
        if effect.frees is not None:
            self.free(*effect.frees)
        if effect.needs is not None:
            # MySQL's LAST_INSERT_ID(expression) sets what it answers.
            is_set = effect.needs is ObjectKind.VALUE and not is_bare
            if is_set and self.dialect == "mysql":
                self.hold(effect.needs)
            else:
                self.need(effect.needs)
