"""What is known of one SQL text: a plain value that every floor above reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from routedb.sql.session_objects import SessionObject


class Kind(str, Enum):
    """The class of a statement. A text of several takes the gravest of its parts."""

    READ = "read"
    WRITE = "write"
    DDL = "ddl"
    TRANSACTION = "transaction"  # BEGIN, COMMIT, SAVEPOINT, SET TRANSACTION, two-phase
    SESSION = "session"  # SET, RESET, USE, DISCARD, PREPARE, LISTEN, DECLARE, FETCH …
    LOCK = "lock"  # SELECT … FOR UPDATE, LOCK TABLE, advisory locks
    COPY = "copy"
    CALL = "call"  # CALL, DO, EXECUTE
    EXPLAIN = "explain"
    UNKNOWN = "unknown"
    EMPTY = "empty"  # nothing but comments and white space

    __str__ = str.__str__
    __hash__ = str.__hash__  # that of Enum is a call in Python


class Table(NamedTuple):
    """A table as the text names it, folded as the dialect folds.

    `schema` is None when the text gives none. On MySQL it is the database's name.
    """

    schema: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class TxEffect(Enum):
    """What a statement does to the transaction."""

    __hash__ = object.__hash__  # that of Enum is a call in Python

    BEGIN = "begin"
    COMMIT = "commit"  # COMMIT, END, and MySQL's implicit commit by DDL
    COMMIT_AND_CHAIN = "commit and chain"
    ROLLBACK = "rollback"  # ROLLBACK, ABORT
    ROLLBACK_AND_CHAIN = "rollback and chain"
    SAVEPOINT = "savepoint"
    RELEASE = "release"
    ROLLBACK_TO = "rollback to"
    PREPARE = "prepare transaction"  # the transaction leaves the session
    COMMIT_PREPARED = "commit prepared"
    ROLLBACK_PREPARED = "rollback prepared"
    SET = "set transaction"  # SET TRANSACTION: this transaction (MySQL: the next)
    SET_DEFAULT = "set session characteristics"  # every later transaction
    AUTOCOMMIT_ON = "autocommit on"  # MySQL: SET autocommit = 1
    AUTOCOMMIT_OFF = "autocommit off"
    XA = "xa"  # MySQL: XA START, END, PREPARE, COMMIT …: pass on to the writer as it is


ISOLATION_LEVELS = (
    "READ UNCOMMITTED",
    "READ COMMITTED",
    "REPEATABLE READ",
    "SERIALIZABLE",
)


class TxStep(NamedTuple):
    """One effect on the transaction, with what the text said about its mode."""

    effect: TxEffect
    read_only: bool | None = None  # READ ONLY / READ WRITE; None when not said
    isolation: str | None = None  # as a rule one of ISOLATION_LEVELS
    deferrable: bool | None = None
    name: str | None = None  # savepoint, or two-phase id


class TxMode(NamedTuple):
    """How a link runs transactions from now on."""

    autocommit: bool = False
    read_only: bool = False
    isolation: str | None = None  # of ISOLATION_LEVELS; None: the server's default
    deferrable: bool | None = None


class SessionEffect(Enum):
    """What a statement does to the session that must be remembered."""

    __hash__ = object.__hash__  # that of Enum is a call in Python

    # Replay on every link, later ones too; also SELECT set_config(…, false).
    SET = "set"
    RESET = "reset"  # RESET x, RESET ALL, SET x TO DEFAULT: replay, and forget the SETs
    DISCARD = "discard"  # DISCARD ALL: to every link, empties the replay log
    LOCAL = "local"  # SET LOCAL, SET CONSTRAINTS, set_config(…, true): transaction only
    USE = "use"  # MySQL USE db
    TEMP = "temp"  # CREATE TEMPORARY …, SELECT INTO TEMP: lives on one link
    PREPARE = "prepare"  # PREPARE / DEALLOCATE
    CURSOR = "cursor"  # DECLARE / FETCH / MOVE / CLOSE, HANDLER
    LISTEN = "listen"  # LISTEN / UNLISTEN
    LOCK = "lock"  # session-level locks: advisory, GET_LOCK, LOCK TABLES
    VARIABLE = "variable"  # MySQL user variables assigned, LAST_INSERT_ID(), currval …


class Hints(NamedTuple):
    """The hint in the text: `/* routedb: database=archive role=writer shard=2 */`."""

    database: str | None = None
    role: str | None = None  # "writer" | "replica"
    shard: int | None = None
    key: str | None = None
    consistency: str | None = None
    unknown: tuple[str, ...] = ()  # words that are no hint: refused by routing, by name


@dataclass(frozen=True, slots=True)
class Statement:
    """What is known of one SQL text.

    `read_only` means: certainly a plain read, may run on a replica. `tables` are all
    tables named (not CTE names, not table functions), `writes` those written or
    defined; of locks only the kind tells. `asks` are functions on no list: with every
    one of them not volatile in the database's own catalog the statement is a plain
    read; else it is not. `holds`, `frees` and `needs` are what it makes, ends and uses
    of what lives on one backend only; `renames` tables, which may be temporary ones.
    """

    kind: Kind
    verb: str  # first keyword(s) in capitals: "SELECT", "CREATE TABLE"; "" when empty
    read_only: bool = False
    tables: tuple[Table, ...] = ()
    writes: tuple[Table, ...] = ()
    tx: tuple[TxStep, ...] = ()  # in the order of the text
    session: tuple[SessionEffect, ...] = ()
    # Lower-case names that SET / RESET / set_config touch.
    settings: tuple[str, ...] = ()
    asks: tuple[Table, ...] = ()  # functions to ask the catalog about (schema, name)
    hints: Hints | None = None
    parts: int = 1  # number of statements in the text
    is_returning: bool = False  # yields rows though it writes (RETURNING)
    # Asks a server about itself: other nodes answer otherwise.
    reads_server_views: bool = False
    # The same, by a function or a variable (`pg_is_in_recovery()`, `@@server_id`), and
    # it names no table of the user's.
    asks_server: bool = False
    reason: str = ""  # why it is not a plain read: "locks rows", "calls nextval"
    holds: tuple[SessionObject, ...] = ()
    frees: tuple[SessionObject, ...] = ()
    needs: tuple[SessionObject, ...] = ()
    # What it makes ends with the transaction: ON COMMIT DROP.
    is_dropped_on_commit: bool = False
    renames: tuple[tuple[str, str], ...] = ()
