"""SET, RESET, DISCARD, USE and their kin: what every link of a session must share."""

from __future__ import annotations

from collections.abc import Iterator

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.dml import read_query
from routedb.sql.parser.name_lists import take_values
from routedb.sql.parser.transaction_control import mode_step, set_transaction
from routedb.sql.scanner.lexer import (
    OPTIONS,
    SYSTEM_VARIABLE,
    USER_VARIABLE,
    Tokens,
)
from routedb.sql.session_objects import EVERY, ObjectKind
from routedb.sql.statement import Kind, SessionEffect, TxEffect, TxStep

_ON = frozenset({"1", "on", "true", "yes", "t"})
_OFF = frozenset({"0", "off", "false"})
_ASSIGNED = 3  # words: a name, a sign, a value
_GLOBAL = frozenset({"GLOBAL", "PERSIST", "PERSIST_ONLY"})
# MySQL: SET that changes the server or its accounts, not the session.
_ACCOUNTS = frozenset({"PASSWORD", "DEFAULT", "RESOURCE"})
# SET x where the words are no name of a setting, and the setting they touch.
_WORDS = {
    "NAMES": "names",
    "CHARACTER": "names",
    "CHARSET": "names",
    "CHAR": "names",
    "ROLE": "role",
    "TIME": "timezone",
    "SCHEMA": "search_path",
    "XML": "xmloption",
    "SEED": "seed",
}


# MySQL: the same words in a list of assignments, and the variables that tell.
_CHARSETS = (
    *("character_set_client", "character_set_connection", "character_set_results"),
    "collation_connection",
)
_LISTED = {
    **dict.fromkeys(("NAMES", "CHARACTER", "CHARSET", "CHAR"), _CHARSETS),
    "ROLE": ("role",),
}
_SIGNS = ("=", ":=", "^=", ".")


def set_(tokens: Tokens, builder: StatementBuilder) -> None:
    """SET in every form, on PostgreSQL and MySQL."""
    if builder.dialect == "mysql":
        tokens.take(0, tokens.end, OPTIONS)
        _set_mysql(tokens, builder)
    else:
        take_values(tokens, 0)
        _set_postgresql(tokens, builder)


def _set_postgresql(tokens: Tokens, builder: StatementBuilder) -> None:
    upper = tokens.upper
    at = 1
    if upper[1] == "SESSION" and upper[2] == "CHARACTERISTICS":
        _characteristics(tokens, builder)
        return
    if upper[1] == "TRANSACTION":
        set_transaction(tokens, builder, 2)
        return
    effect = SessionEffect.LOCAL if upper[1] == "LOCAL" else SessionEffect.SET
    if upper[1] in ("LOCAL", "SESSION") and upper[2] not in ("=", "TO"):
        at = 2
    if upper[at] == "CONSTRAINTS":
        _mark(builder, SessionEffect.LOCAL)
        return
    name = _setting(tokens, at)
    if name.startswith("transaction_"):
        step = _assigned_mode(TxEffect.SET, name.removeprefix("transaction_"), tokens)
        builder.mark(Kind.TRANSACTION, "controls the transaction")
        builder.tx.append(step)
        return
    if upper[-5] == "DEFAULT" and effect is SessionEffect.SET:
        effect = SessionEffect.RESET
    _mark(builder, effect, name)
    if name.startswith("default_transaction_") and effect is SessionEffect.SET:
        mode = name.removeprefix("default_transaction_")
        builder.tx.append(_assigned_mode(TxEffect.SET_DEFAULT, mode, tokens))


def _characteristics(tokens: Tokens, builder: StatementBuilder) -> None:
    step = mode_step(TxEffect.SET_DEFAULT, tokens.upper, 5)
    modes = {
        "default_transaction_read_only": step.read_only,
        "default_transaction_isolation": step.isolation,
        "default_transaction_deferrable": step.deferrable,
    }
    said = (name for name, value in modes.items() if value is not None)
    _mark(builder, SessionEffect.SET, *said)
    builder.tx.append(step)


def _assigned_mode(effect: TxEffect, mode: str, tokens: Tokens) -> TxStep:
    """`SET transaction_read_only = on`: the value stands behind = or TO."""
    value = tokens.raw[-5].lower().replace("-", " ")
    if mode == "read_only":
        return TxStep(effect, read_only=value in _ON)
    if mode == "deferrable":
        return TxStep(effect, deferrable=value in _ON)
    return TxStep(effect, isolation=value.upper())


def _setting(tokens: Tokens, at: int) -> str:
    word = tokens.upper[at]
    if word in _WORDS and tokens.upper[at + 1] not in ("=", "TO", "."):
        return _WORDS[word]
    if word == "AUTHORIZATION":
        return "session_authorization"
    name, _ = tokens.read_name(at)
    return str(name).lower() if name is not None else "*"


# What may ask, without a bracket: @x, @@x, NEXT VALUE FOR s.
_ASKING = frozenset({USER_VARIABLE, SYSTEM_VARIABLE, "VALUE"})


def _set_mysql(tokens: Tokens, builder: StatementBuilder) -> None:
    upper = tokens.upper
    at = 1 + (upper[1] in ("SESSION", "LOCAL"))
    if upper[at] == "TRANSACTION":
        if at == 1:
            set_transaction(tokens, builder, 2)
        else:
            _mark(builder, SessionEffect.SET, "transaction")
            builder.tx.append(mode_step(TxEffect.SET_DEFAULT, upper, 3))
    elif upper[1] in _ACCOUNTS:
        builder.mark(Kind.DDL, "changes accounts")
        builder.tx.append(TxStep(TxEffect.COMMIT))
    elif upper[1] in _LISTED and _is_alone(upper):
        _mark(builder, SessionEffect.SET, _WORDS[upper[1]])
    else:
        for start, end in _assignments(tokens):
            _assign_mysql(tokens, builder, start, end)


def _is_alone(upper: list[str]) -> bool:
    """Tell `SET NAMES x` and MySQL's `SET ROLE a, b` from a list of assignments."""
    is_role = upper[1] == "ROLE" and "=" not in upper
    return upper[2] not in _SIGNS and ("," not in upper or is_role)


def _assignments(tokens: Tokens) -> Iterator[tuple[int, int]]:
    start = at = 1
    while tokens.upper[at]:
        if tokens.upper[at] == ",":
            yield start, at
            start = at + 1
        at = tokens.close.get(at, at) + 1
    yield start, at


def _assign_mysql(
    tokens: Tokens, builder: StatementBuilder, start: int, end: int
) -> None:
    upper, raw = tokens.upper, tokens.raw
    if upper[start] == USER_VARIABLE:
        _mark(builder, SessionEffect.VARIABLE)
        builder.hold(ObjectKind.VARIABLE, raw[start].lower())
    elif upper[start] in _GLOBAL or (
        upper[start] == SYSTEM_VARIABLE and raw[start].upper().split(".")[0] in _GLOBAL
    ):
        builder.mark(Kind.DDL, "changes the server")
    else:
        _assign_session(tokens, builder, start, end)
    if "(" in upper[start:end] or not _ASKING.isdisjoint(upper[start + 1 : end]):
        _read_value(tokens, builder, start, end)


def _assign_session(
    tokens: Tokens, builder: StatementBuilder, start: int, end: int
) -> None:
    at = start + (tokens.upper[start] in ("SESSION", "LOCAL"))
    word = tokens.upper[at]
    if word in _LISTED and tokens.upper[at + 1] not in _SIGNS:
        _mark(builder, SessionEffect.SET, *_LISTED[word])
        return
    if word == "PASSWORD" or tokens.upper[at : at + 2] == ["DEFAULT", "ROLE"]:
        builder.mark(Kind.DDL, "changes accounts")
        builder.tx.append(TxStep(TxEffect.COMMIT))
        return
    name = tokens.raw[at].lower().rpartition(".")[2]
    value = tokens.raw[end - 1].lower()
    if name == "autocommit":
        is_told = end - at == _ASSIGNED and value in _ON | _OFF
        kind = Kind.TRANSACTION if is_told else Kind.SESSION
        builder.mark(kind, "controls the transaction")
        is_off = is_told and value in _OFF
        effect = TxEffect.AUTOCOMMIT_OFF if is_off else TxEffect.AUTOCOMMIT_ON
        builder.tx.append(TxStep(effect))
        return
    _mark(builder, SessionEffect.SET, name)
    mode = name.removeprefix("transaction_").removeprefix("tx_")
    if name != mode:
        # SET @@transaction_isolation is for the next transaction, SESSION for all.
        is_next = tokens.upper[at] == SYSTEM_VARIABLE and "." not in tokens.raw[at]
        effect = TxEffect.SET if is_next else TxEffect.SET_DEFAULT
        if mode == "read_only":
            builder.tx.append(TxStep(effect, read_only=value in _ON))
        elif mode == "isolation":
            level = value.upper().replace("-", " ")
            builder.tx.append(TxStep(effect, isolation=level))


def _read_value(
    tokens: Tokens, builder: StatementBuilder, start: int, end: int
) -> None:
    """A value may ask: SET @x = (SELECT …)."""
    part = tokens.part(start + 1, end)
    read_query(part, builder)


def reset(tokens: Tokens, builder: StatementBuilder) -> None:
    """RESET x and RESET ALL; on MySQL it acts on the server."""
    take_values(tokens, 0)
    if builder.dialect == "mysql":
        builder.mark(Kind.DDL, "changes the server")
        return
    at = 1 + (tokens.upper[1] == "SESSION")
    name = "*" if tokens.upper[at] == "ALL" else _setting(tokens, at)
    _mark(builder, SessionEffect.RESET, name)


_DISCARDED = {
    "ALL": SessionEffect.DISCARD,
    "TEMP": SessionEffect.TEMP,
    "TEMPORARY": SessionEffect.TEMP,
    "PLANS": SessionEffect.PREPARE,
    "SEQUENCES": SessionEffect.VARIABLE,
}


def discard(tokens: Tokens, builder: StatementBuilder) -> None:
    """DISCARD ALL and its parts. PLANS only has them made anew."""
    what = tokens.upper[1]
    take_values(tokens, 0)
    _mark(builder, _DISCARDED.get(what, SessionEffect.DISCARD))
    if what in ("TEMP", "TEMPORARY"):
        builder.free(ObjectKind.TABLE, EVERY)
    elif what == "SEQUENCES":
        builder.free(ObjectKind.VALUE, EVERY)


def use(tokens: Tokens, builder: StatementBuilder) -> None:
    """USE database."""
    take_values(tokens, 0)
    _mark(builder, SessionEffect.USE)


def _mark(builder: StatementBuilder, effect: SessionEffect, *settings: str) -> None:
    builder.mark(Kind.SESSION, "changes the session")
    builder.touch(effect, *settings)
