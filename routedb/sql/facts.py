"""What is found out about one statement while its tokens are read."""

from __future__ import annotations

from routedb.sql.functions import Functions
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
    """Return the kind that counts for both."""
    return one if _GRAVITY[one] >= _GRAVITY[other] else other


class Facts:
    """Grows while one statement is read; owned by the one who reads."""

    __slots__ = (
        "asks",
        "dialect",
        "functions",
        "is_returning",
        "kind",
        "reason",
        "session",
        "settings",
        "tables",
        "tx",
        "verb",
        "writes",
    )

    def __init__(self, dialect: str, functions: Functions) -> None:
        self.dialect = dialect
        self.functions = functions
        self.kind = Kind.READ
        self.verb = ""
        self.reason = ""
        self.is_returning = False
        # Dicts for their order: sets of tables, effects, names.
        self.tables: dict[Table, None] = {}
        self.writes: dict[Table, None] = {}
        self.session: dict[SessionEffect, None] = {}
        self.settings: dict[str, None] = {}
        self.asks: dict[Table, None] = {}
        self.tx: list[TxStep] = []

    def mark(self, kind: Kind, reason: str) -> None:
        """Note that this is no plain read; the first reason is kept."""
        self.kind = gravest(kind, self.kind)
        self.reason = self.reason or reason

    def write(self, *tables: Table) -> None:
        """Note tables that are written."""
        for table in tables:
            self.tables[table] = None
            self.writes[table] = None

    def touch(self, effect: SessionEffect, *settings: str) -> None:
        """Note an effect on the session; it is then no plain read."""
        self.session[effect] = None
        self.settings.update(dict.fromkeys(settings))

    def call(self, function: Table, is_local: bool = False) -> None:
        """Note a call of `function`; `is_local`: its last argument is true."""
        effect = self.functions.effect(function)
        if effect is None:
            self.asks[function] = None
        elif effect.reason:
            self.mark(effect.kind, effect.reason.format(function))
            if effect.session is SessionEffect.SET:
                local = SessionEffect.LOCAL if is_local else SessionEffect.SET
                self.touch(local, "*")
            elif effect.session is not None:
                self.touch(effect.session)
