"""SET, RESET, DISCARD, USE and their kin: what every link of a session must share."""

from __future__ import annotations

from collections.abc import Iterator

from routedb.sql.change import read_query
from routedb.sql.facts import Facts
from routedb.sql.lex import STRING, SYSTEM_VARIABLE, USER_VARIABLE, Tokens
from routedb.sql.names import read_name
from routedb.sql.stake import EVERY, Lives
from routedb.sql.statement import Kind, SessionEffect, Table, TxEffect, TxStep
from routedb.sql.transaction import mode_step, set_transaction
from routedb.sql.words import QUERY_STARTS

_ON = frozenset({"1", "on", "true", "yes", "t"})
_GLOBAL = frozenset({"GLOBAL", "PERSIST", "PERSIST_ONLY"})
# MySQL: SET that changes the server or its accounts, not the session.
_ACCOUNTS = frozenset({"PASSWORD", "DEFAULT", "RESOURCE"})
# SET x where the words are no name of a setting, and the setting they touch.
_WORDS = {
    "NAMES": "names",
    "CHARACTER": "names",
    "CHARSET": "names",
    "ROLE": "role",
    "TIME": "timezone",
    "SCHEMA": "search_path",
    "XML": "xmloption",
    "SEED": "seed",
}


def set_(tokens: Tokens, facts: Facts) -> None:
    """SET in every form, on PostgreSQL and MySQL."""
    if facts.dialect == "mysql":
        _set_mysql(tokens, facts)
    else:
        _set_postgresql(tokens, facts)


def _set_postgresql(tokens: Tokens, facts: Facts) -> None:
    up = tokens.up
    at = 1
    if up[1] == "SESSION" and up[2] == "CHARACTERISTICS":
        _characteristics(tokens, facts)
        return
    if up[1] == "TRANSACTION":
        set_transaction(tokens, facts, 2)
        return
    effect = SessionEffect.LOCAL if up[1] == "LOCAL" else SessionEffect.SET
    if up[1] in ("LOCAL", "SESSION") and up[2] not in ("=", "TO"):
        at = 2
    if up[at] == "CONSTRAINTS":
        _mark(facts, SessionEffect.LOCAL)
        return
    name = _setting(tokens, at)
    if name.startswith("transaction_"):
        step = _assigned_mode(TxEffect.SET, name.removeprefix("transaction_"), tokens)
        facts.mark(Kind.TRANSACTION, "controls the transaction")
        facts.tx.append(step)
        return
    if up[-5] == "DEFAULT" and effect is SessionEffect.SET:
        effect = SessionEffect.RESET
    _mark(facts, effect, name)
    if name.startswith("default_transaction_") and effect is SessionEffect.SET:
        mode = name.removeprefix("default_transaction_")
        facts.tx.append(_assigned_mode(TxEffect.SET_DEFAULT, mode, tokens))


def _characteristics(tokens: Tokens, facts: Facts) -> None:
    step = mode_step(TxEffect.SET_DEFAULT, tokens.up, 5)
    modes = {
        "default_transaction_read_only": step.read_only,
        "default_transaction_isolation": step.isolation,
        "default_transaction_deferrable": step.deferrable,
    }
    said = (name for name, value in modes.items() if value is not None)
    _mark(facts, SessionEffect.SET, *said)
    facts.tx.append(step)


def _assigned_mode(effect: TxEffect, mode: str, tokens: Tokens) -> TxStep:
    """`SET transaction_read_only = on`: the value stands behind = or TO."""
    value = tokens.raw[-5].lower().replace("-", " ")
    if mode == "read_only":
        return TxStep(effect, read_only=value in _ON)
    if mode == "deferrable":
        return TxStep(effect, deferrable=value in _ON)
    return TxStep(effect, isolation=value.upper())


def _setting(tokens: Tokens, at: int) -> str:
    word = tokens.up[at]
    if word in _WORDS and tokens.up[at + 1] not in ("=", "TO", "."):
        return _WORDS[word]
    if word == "AUTHORIZATION":
        return "session_authorization"
    name, _ = read_name(tokens, at, "postgresql")
    return str(name).lower() if name is not None else "*"


def _set_mysql(tokens: Tokens, facts: Facts) -> None:
    up = tokens.up
    at = 1 + (up[1] in ("SESSION", "LOCAL"))
    if up[1] == "STATEMENT":
        _set_statement(tokens, facts)
    elif up[at] == "TRANSACTION":
        if at == 1:
            set_transaction(tokens, facts, 2)
        else:
            _mark(facts, SessionEffect.SET, "transaction")
            facts.tx.append(mode_step(TxEffect.SET_DEFAULT, up, 3))
    elif up[1] in _ACCOUNTS:
        facts.mark(Kind.DDL, "changes accounts")
        facts.tx.append(TxStep(TxEffect.COMMIT))
    elif up[1] in ("NAMES", "CHARACTER", "CHARSET", "ROLE"):
        _mark(facts, SessionEffect.SET, _WORDS[up[1]])
    else:
        for start, end in _assignments(tokens):
            _assign_mysql(tokens, facts, start, end)


def _set_statement(tokens: Tokens, facts: Facts) -> None:
    """MariaDB: settings for one statement, which is all that matters."""
    at = tokens.up.index("FOR") + 1 if "FOR" in tokens.up else 0
    if tokens.up[at] in QUERY_STARTS:
        read_query(tokens, facts, at)
    else:
        facts.mark(Kind.UNKNOWN, "SET STATEMENT for no query")


def _assignments(tokens: Tokens) -> Iterator[tuple[int, int]]:
    start = at = 1
    while tokens.up[at]:
        if tokens.up[at] == ",":
            yield start, at
            start = at + 1
        at = tokens.close.get(at, at) + 1
    yield start, at


def _assign_mysql(tokens: Tokens, facts: Facts, start: int, end: int) -> None:
    up, raw = tokens.up, tokens.raw
    if up[start] == USER_VARIABLE:
        _mark(facts, SessionEffect.VARIABLE)
        facts.hold(Lives.VARIABLE, raw[start].lower())
    elif up[start] in _GLOBAL or (
        up[start] == SYSTEM_VARIABLE and raw[start].upper().split(".")[0] in _GLOBAL
    ):
        facts.mark(Kind.DDL, "changes the server")
    else:
        _assign_session(tokens, facts, start, end)
    if "(" in up[start:end] or USER_VARIABLE in up[start + 1 : end]:
        _read_value(tokens, facts, start, end)


def _assign_session(tokens: Tokens, facts: Facts, start: int, end: int) -> None:
    at = start + (tokens.up[start] in ("SESSION", "LOCAL"))
    name = tokens.raw[at].lower().rpartition(".")[2]
    value = tokens.raw[end - 1].lower()
    if name == "autocommit":
        facts.mark(Kind.TRANSACTION, "controls the transaction")
        is_on = value in _ON
        effect = TxEffect.AUTOCOMMIT_ON if is_on else TxEffect.AUTOCOMMIT_OFF
        facts.tx.append(TxStep(effect))
        return
    _mark(facts, SessionEffect.SET, name)
    mode = name.removeprefix("transaction_").removeprefix("tx_")
    if name != mode:
        # SET @@transaction_isolation is for the next transaction, SESSION for all.
        is_next = tokens.up[at] == SYSTEM_VARIABLE and "." not in tokens.raw[at]
        effect = TxEffect.SET if is_next else TxEffect.SET_DEFAULT
        if mode == "read_only":
            facts.tx.append(TxStep(effect, read_only=value in _ON))
        elif mode == "isolation":
            level = value.upper().replace("-", " ")
            facts.tx.append(TxStep(effect, isolation=level))


def _read_value(tokens: Tokens, facts: Facts, start: int, end: int) -> None:
    """A value may ask: SET @x = (SELECT …)."""
    part = Tokens(tokens.up[start + 1 : end], tokens.raw[start + 1 : end])
    read_query(part, facts)


def reset(tokens: Tokens, facts: Facts) -> None:
    """RESET x and RESET ALL; on MySQL it acts on the server."""
    if facts.dialect == "mysql":
        facts.mark(Kind.DDL, "changes the server")
        return
    at = 1 + (tokens.up[1] == "SESSION")
    name = "*" if tokens.up[at] == "ALL" else _setting(tokens, at)
    _mark(facts, SessionEffect.RESET, name)


_DISCARDED = {
    "ALL": SessionEffect.DISCARD,
    "TEMP": SessionEffect.TEMP,
    "TEMPORARY": SessionEffect.TEMP,
    "PLANS": SessionEffect.PREPARE,
    "SEQUENCES": SessionEffect.VARIABLE,
}


def discard(tokens: Tokens, facts: Facts) -> None:
    """DISCARD ALL and its parts. PLANS only has them made anew."""
    what = tokens.up[1]
    _mark(facts, _DISCARDED.get(what, SessionEffect.DISCARD))
    if what in ("TEMP", "TEMPORARY"):
        facts.free(Lives.TABLE, EVERY)
    elif what == "SEQUENCES":
        facts.free(Lives.VALUE, EVERY)


def use(tokens: Tokens, facts: Facts) -> None:
    """USE database."""
    _mark(facts, SessionEffect.USE)


def _mark(facts: Facts, effect: SessionEffect, *settings: str) -> None:
    facts.mark(Kind.SESSION, "changes the session")
    facts.touch(effect, *settings)


_READING_PRAGMAS = frozenset(
    {
        *("table_info", "table_xinfo", "table_list", "index_info", "index_xinfo"),
        *("index_list", "foreign_key_list", "foreign_key_check", "integrity_check"),
        *("quick_check", "compile_options", "database_list", "collation_list"),
        *("function_list", "module_list", "pragma_list", "data_version"),
        *("freelist_count", "page_count"),
    }
)
_WRITING_PRAGMAS = frozenset(
    {
        *("optimize", "wal_checkpoint", "incremental_vacuum", "auto_vacuum"),
        *("user_version", "application_id", "journal_mode", "page_size", "encoding"),
        *("schema_version", "journal_size_limit", "default_cache_size", "rekey"),
    }
)
_ACTING_PRAGMAS = frozenset({"optimize", "wal_checkpoint", "incremental_vacuum"})


def _pragma_argument(tokens: Tokens, at: int) -> str:
    """Return the name in `(name)`, `('name')` or `= name`; "" when there is none."""
    if tokens.up[at] in ("(", "=") and tokens.up[at + 1] == STRING:
        return tokens.raw[at + 1].lower()
    argument, _ = read_name(tokens, at + 1, "sqlite")
    return argument.name if argument is not None else ""


def pragma(tokens: Tokens, facts: Facts) -> None:
    """SQLite's PRAGMA: asks, sets for the session, or writes to the file."""
    table, at = read_name(tokens, 1, "sqlite")
    name = table.name if table is not None else ""
    has_value = tokens.up[at] in ("(", "=")
    if name in _READING_PRAGMAS:
        named = _pragma_argument(tokens, at)
        if named and name not in ("index_info", "index_xinfo"):
            facts.tables[Table(table.schema if table else None, named)] = None
    elif name in _ACTING_PRAGMAS or (has_value and name in _WRITING_PRAGMAS):
        facts.mark(Kind.WRITE, f"pragma {name} writes to the database")
    elif has_value or name == "shrink_memory":
        _mark(facts, SessionEffect.SET, name)
