"""Statements that begin, end or shape a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from routedb.sql.facts import Facts
from routedb.sql.lex import LITERAL, QUOTED, STRING, Tokens
from routedb.sql.names import fold, is_name
from routedb.sql.statement import Kind, TxEffect, TxStep

_NOISE = frozenset({"WORK", "TRANSACTION", "TRAN"})
_LEVELS = {
    ("READ", "COMMITTED"): "READ COMMITTED",
    ("READ", "UNCOMMITTED"): "READ UNCOMMITTED",
    ("REPEATABLE", "READ"): "REPEATABLE READ",
}


def mode_step(effect: TxEffect, up: Sequence[str], at: int) -> TxStep:
    """Return the step with the modes that are said from `at` on."""
    read_only = isolation = deferrable = None
    while up[at]:
        pair = (up[at], up[at + 1])
        if pair == ("ISOLATION", "LEVEL"):
            isolation = _LEVELS.get((up[at + 2], up[at + 3]), up[at + 2])
            at += 2
        elif pair in (("READ", "ONLY"), ("READ", "WRITE")):
            read_only = up[at + 1] == "ONLY"
        elif up[at] == "DEFERRABLE":
            deferrable = up[at - 1] != "NOT"
        at += 1
    return TxStep(effect, read_only, isolation, deferrable)


def begin(tokens: Tokens, facts: Facts) -> None:
    """BEGIN and START TRANSACTION, with their modes."""
    if tokens.up[1] == "NOT":  # MariaDB's BEGIN NOT ATOMIC runs a block of statements
        facts.mark(Kind.UNKNOWN, "runs a block of statements")
        return
    if tokens.up[0] == "START" and tokens.up[1] != "TRANSACTION":  # START REPLICA
        facts.mark(Kind.DDL, "acts on the server")
        return
    _step(facts, mode_step(TxEffect.BEGIN, tokens.up, 1))


def commit(tokens: Tokens, facts: Facts) -> None:
    """COMMIT and END, AND CHAIN, and COMMIT PREPARED."""
    if tokens.up[1] == "PREPARED":
        _step(facts, TxStep(TxEffect.COMMIT_PREPARED, name=_id(tokens, 2)))
    elif _chains(tokens):
        _step(facts, TxStep(TxEffect.COMMIT_AND_CHAIN))
    else:
        _step(facts, TxStep(TxEffect.COMMIT))


def rollback(tokens: Tokens, facts: Facts) -> None:
    """ROLLBACK and ABORT, AND CHAIN, TO a savepoint, and ROLLBACK PREPARED."""
    up = tokens.up
    at = 1 + (up[1] in _NOISE)
    if up[1] == "PREPARED":
        _step(facts, TxStep(TxEffect.ROLLBACK_PREPARED, name=_id(tokens, 2)))
    elif up[at] == "TO":
        at += 1 + (up[at + 1] == "SAVEPOINT" and bool(up[at + 2]))
        _step(facts, TxStep(TxEffect.ROLLBACK_TO, name=_name(tokens, at, facts)))
    elif _chains(tokens):
        _step(facts, TxStep(TxEffect.ROLLBACK_AND_CHAIN))
    else:
        _step(facts, TxStep(TxEffect.ROLLBACK))


def savepoint(tokens: Tokens, facts: Facts) -> None:
    """SAVEPOINT name."""
    _step(facts, TxStep(TxEffect.SAVEPOINT, name=_name(tokens, 1, facts)))


def release(tokens: Tokens, facts: Facts) -> None:
    """RELEASE [SAVEPOINT] name."""
    at = 1 + (tokens.up[1] == "SAVEPOINT" and bool(tokens.up[2]))
    _step(facts, TxStep(TxEffect.RELEASE, name=_name(tokens, at, facts)))


def prepare_transaction(tokens: Tokens, facts: Facts) -> None:
    """PREPARE TRANSACTION 'id'."""
    _step(facts, TxStep(TxEffect.PREPARE, name=_id(tokens, 2)))


def xa(tokens: Tokens, facts: Facts) -> None:
    """MySQL's XA START, END, PREPARE, COMMIT …: passed on as they are."""
    _step(facts, TxStep(TxEffect.XA))


def set_transaction(tokens: Tokens, facts: Facts, at: int) -> None:
    """SET TRANSACTION: modes of this transaction, on MySQL of the next."""
    _step(facts, mode_step(TxEffect.SET, tokens.up, at))


def _step(facts: Facts, step: TxStep) -> None:
    facts.mark(Kind.TRANSACTION, "controls the transaction")
    facts.tx.append(step)


def _chains(tokens: Tokens) -> bool:
    up = tokens.up
    return "CHAIN" in up and up[up.index("CHAIN") - 1] == "AND"


def _name(tokens: Tokens, at: int, facts: Facts) -> str | None:
    return fold(tokens, at, facts.dialect) if is_name(tokens.up[at]) else None


def _id(tokens: Tokens, at: int) -> str | None:
    known = tokens.up[at] in (STRING, QUOTED, LITERAL)
    return tokens.raw[at] if known else None
