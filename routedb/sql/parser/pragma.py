"""SQLite's PRAGMA: asks, sets for the session, or writes to the file."""

from __future__ import annotations

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.scanner.lexer import OPTIONS, STRING, Tokens
from routedb.sql.statement import Kind, SessionEffect, Table

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


def pragma(tokens: Tokens, builder: StatementBuilder) -> None:
    """PRAGMA name, name = value, name(value); the name may be quoted in any way, as a
    string too, and have a schema."""
    tokens.take(0, tokens.end, OPTIONS)
    path, at = _read_path(tokens)
    tokens.take(0, tokens.end, OPTIONS)
    follows = tokens.upper[at]
    # The lexer joins a sign to what stands before it: =- and =+ are one mark.
    has_value = follows == "(" or follows.startswith("=")
    if len(path) > 2 or (follows and not (path and has_value)):
        builder.mark(Kind.UNKNOWN, "a pragma of an unknown form")
        return
    name = path[-1] if path else ""
    if name in _READING_PRAGMAS:
        named = _argument(tokens, at) if has_value else ""
        if named and name not in ("index_info", "index_xinfo"):
            schema = path[0] if len(path) == 2 else None
            builder.tables[Table(schema, named)] = None
    elif name in _ACTING_PRAGMAS or (has_value and name in _WRITING_PRAGMAS):
        builder.mark(Kind.WRITE, f"pragma {name} writes to the database")
    elif has_value or name == "shrink_memory":
        builder.mark(Kind.SESSION, "changes the session")
        # Each attached database has its own; without a schema it is main's.
        is_main = len(path) == 1 or path[0] == "main"
        builder.touch(SessionEffect.SET, name if is_main else ".".join(path))


def _read_path(tokens: Tokens) -> tuple[list[str], int]:
    """Return the dotted name behind PRAGMA, its words in lower case, and where it
    ends."""
    word = _word(tokens, 1)
    if word is None:
        return [], 1
    path, at = [word], 2
    while tokens.upper[at] == "." and (word := _word(tokens, at + 1)) is not None:
        path.append(word)
        at += 2
    return path, at


def _word(tokens: Tokens, at: int) -> str | None:
    if tokens.upper[at] == STRING:
        return tokens.raw[at].lower()
    name = tokens.names[at]
    return None if name is None else name.lower()


def _argument(tokens: Tokens, at: int) -> str:
    """Return the name in `(name)`, `('name')` or `= name`; "" when there is none, as
    in `integrity_check(100)`."""
    is_number = tokens.raw[at + 1][:1].isdigit() and tokens.upper[at + 1].isalnum()
    return "" if is_number else _word(tokens, at + 1) or ""
