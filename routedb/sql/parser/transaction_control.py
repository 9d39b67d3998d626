"""Statements that begin, end or shape a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.name_lists import pass_words
from routedb.sql.scanner.keywords import word_set
from routedb.sql.scanner.lexer import LITERAL, OPTIONS, QUOTED, STRING, Tokens
from routedb.sql.statement import ISOLATION_LEVELS, Kind, TxEffect, TxStep

_NOISE = frozenset({"WORK", "TRANSACTION", "TRAN"})
# What may stand in these statements, besides names and literals.
_WORDS = frozenset({LITERAL, STRING, QUOTED, ","}) | word_set(
    """
    BEGIN START SET SESSION GLOBAL CHARACTERISTICS AS TRANSACTION SNAPSHOT ISOLATION
    LEVEL READ COMMITTED UNCOMMITTED REPEATABLE SERIALIZABLE ONLY WRITE NOT DEFERRABLE
    DEFERRED IMMEDIATE EXCLUSIVE CONCURRENT READONLY WITH CONSISTENT COMMIT END ROLLBACK
    ABORT AND NO CHAIN RELEASE PREPARED PREPARE TO SAVEPOINT LOCAL WORK TRAN
    """
)
# Those of two words.
_LEVELS = {tuple(name.split()): name for name in ISOLATION_LEVELS if " " in name}


def mode_step(effect: TxEffect, upper: Sequence[str], at: int) -> TxStep:
    """Return the step of `effect` with the modes that `upper` says from `at` on."""
    read_only = isolation = deferrable = None
    while upper[at]:
        pair = (upper[at], upper[at + 1])
        if pair == ("ISOLATION", "LEVEL"):
            isolation = _LEVELS.get((upper[at + 2], upper[at + 3]), upper[at + 2])
            at += 2
        elif pair in (("READ", "ONLY"), ("READ", "WRITE")):
            read_only = upper[at + 1] == "ONLY"
        elif upper[at] == "DEFERRABLE":
            deferrable = upper[at - 1] != "NOT"
        at += 1
    return TxStep(effect, read_only, isolation, deferrable)


def begin(tokens: Tokens, builder: StatementBuilder) -> None:
    """BEGIN and START TRANSACTION, with their modes."""
    _account(tokens, builder)
    if tokens.upper[1:3] == ["NOT", "ATOMIC"]:  # MariaDB's block of statements
        builder.mark(Kind.UNKNOWN, "runs a block of statements")
        tokens.take(0, tokens.end, OPTIONS)
        return
    if tokens.upper[0] == "START" and tokens.upper[1] != "TRANSACTION":  # START REPLICA
        builder.mark(Kind.DDL, "acts on the server")
        tokens.take(0, tokens.end, OPTIONS)
        return
    _step(builder, mode_step(TxEffect.BEGIN, tokens.upper, 1))


def commit(tokens: Tokens, builder: StatementBuilder) -> None:
    """COMMIT and END, AND CHAIN, and COMMIT PREPARED."""
    _account(tokens, builder)
    if tokens.upper[1] == "PREPARED":
        _step(builder, TxStep(TxEffect.COMMIT_PREPARED, name=_id(tokens, 2)))
    elif _chains(tokens):
        _step(builder, TxStep(TxEffect.COMMIT_AND_CHAIN))
    else:
        _step(builder, TxStep(TxEffect.COMMIT))


def rollback(tokens: Tokens, builder: StatementBuilder) -> None:
    """ROLLBACK and ABORT, AND CHAIN, TO a savepoint, and ROLLBACK PREPARED."""
    _account(tokens, builder)
    upper = tokens.upper
    at = 1 + (upper[1] in _NOISE)
    if upper[1] == "PREPARED":
        _step(builder, TxStep(TxEffect.ROLLBACK_PREPARED, name=_id(tokens, 2)))
    elif upper[at] == "TO":
        at += 1 + (upper[at + 1] == "SAVEPOINT" and bool(upper[at + 2]))
        _step(builder, TxStep(TxEffect.ROLLBACK_TO, name=tokens.names[at]))
    elif _chains(tokens):
        _step(builder, TxStep(TxEffect.ROLLBACK_AND_CHAIN))
    else:
        _step(builder, TxStep(TxEffect.ROLLBACK))


def savepoint(tokens: Tokens, builder: StatementBuilder) -> None:
    """SAVEPOINT name."""
    _account(tokens, builder)
    _step(builder, TxStep(TxEffect.SAVEPOINT, name=tokens.names[1]))


def release(tokens: Tokens, builder: StatementBuilder) -> None:
    """RELEASE [SAVEPOINT] name."""
    _account(tokens, builder)
    at = 1 + (tokens.upper[1] == "SAVEPOINT" and bool(tokens.upper[2]))
    _step(builder, TxStep(TxEffect.RELEASE, name=tokens.names[at]))


def prepare_transaction(tokens: Tokens, builder: StatementBuilder) -> None:
    """PREPARE TRANSACTION 'id'."""
    _account(tokens, builder)
    _step(builder, TxStep(TxEffect.PREPARE, name=_id(tokens, 2)))


def xa(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's XA START, END, PREPARE, COMMIT …: passed on as they are."""
    tokens.take(0, tokens.end, OPTIONS)
    _step(builder, TxStep(TxEffect.XA))


def set_transaction(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """SET TRANSACTION: modes, from `at` on, of this transaction, on MySQL the next."""
    _account(tokens, builder)
    _step(builder, mode_step(TxEffect.SET, tokens.upper, at))


def _account(tokens: Tokens, builder: StatementBuilder) -> None:
    """Account for the grammar's words, and for names where these are due."""
    at = pass_words(tokens, 0, _WORDS)
    while tokens.names[at] is not None and (
        tokens.upper[at - 1] in _BEFORE_NAME or builder.dialect == "sqlite"
    ):
        at = pass_words(tokens, at + 1, _WORDS)
    tokens.take(0, at)


_BEFORE_NAME = word_set("SAVEPOINT RELEASE TO")


def _step(builder: StatementBuilder, step: TxStep) -> None:
    builder.mark(Kind.TRANSACTION, "controls the transaction")
    builder.tx.append(step)


def _chains(tokens: Tokens) -> bool:
    upper = tokens.upper
    return "CHAIN" in upper and upper[upper.index("CHAIN") - 1] == "AND"


def _id(tokens: Tokens, at: int) -> str | None:
    known = tokens.upper[at] in (STRING, QUOTED, LITERAL)
    return tokens.raw[at] if known else None
