"""Statements that begin, end or shape a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.scanner.lexer import LITERAL, QUOTED, STRING, Tokens
from routedb.sql.statement import ISOLATION_LEVELS, Kind, TxEffect, TxStep

_NOISE = frozenset({"WORK", "TRANSACTION", "TRAN"})
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
    if tokens.upper[0] == "START" and tokens.upper[1] != "TRANSACTION":  # START REPLICA
        builder.mark(Kind.DDL, "acts on the server")
        return
    _step(builder, mode_step(TxEffect.BEGIN, tokens.upper, 1))


def commit(tokens: Tokens, builder: StatementBuilder) -> None:
    """COMMIT and END, AND CHAIN, and COMMIT PREPARED."""
    if tokens.upper[1] == "PREPARED":
        _step(builder, TxStep(TxEffect.COMMIT_PREPARED, name=_id(tokens, 2)))
    elif _chains(tokens):
        _step(builder, TxStep(TxEffect.COMMIT_AND_CHAIN))
    else:
        _step(builder, TxStep(TxEffect.COMMIT))


def rollback(tokens: Tokens, builder: StatementBuilder) -> None:
    """ROLLBACK and ABORT, AND CHAIN, TO a savepoint, and ROLLBACK PREPARED."""
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
    _step(builder, TxStep(TxEffect.SAVEPOINT, name=tokens.names[1]))


def release(tokens: Tokens, builder: StatementBuilder) -> None:
    """RELEASE [SAVEPOINT] name."""
    at = 1 + (tokens.upper[1] == "SAVEPOINT" and bool(tokens.upper[2]))
    _step(builder, TxStep(TxEffect.RELEASE, name=tokens.names[at]))


def prepare_transaction(tokens: Tokens, builder: StatementBuilder) -> None:
    """PREPARE TRANSACTION 'id'."""
    _step(builder, TxStep(TxEffect.PREPARE, name=_id(tokens, 2)))


def xa(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's XA START, END, PREPARE, COMMIT …: passed on as they are."""
    _step(builder, TxStep(TxEffect.XA))


def set_transaction(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """SET TRANSACTION: modes, from `at` on, of this transaction, on MySQL the next."""
    _step(builder, mode_step(TxEffect.SET, tokens.upper, at))


def _step(builder: StatementBuilder, step: TxStep) -> None:
    builder.mark(Kind.TRANSACTION, "controls the transaction")
    builder.tx.append(step)


def _chains(tokens: Tokens) -> bool:
    upper = tokens.upper
    return "CHAIN" in upper and upper[upper.index("CHAIN") - 1] == "AND"


def _id(tokens: Tokens, at: int) -> str | None:
    known = tokens.upper[at] in (STRING, QUOTED, LITERAL)
    return tokens.raw[at] if known else None
