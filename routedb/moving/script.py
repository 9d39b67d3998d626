"""The user's own definitions of moved tables, as a script is taken apart.

Three parts, as of definitions of ours (`ddl`): what makes the tables, which rows are
copied into; what they are not to be slowed or refused by, made once the rows are there;
foreign keys, which only hold when all tables have all rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from routedb import errors
from routedb.sql.scanner.shape import scan
from routedb.sql.scanner.splitter import split

# What dump programs say of their session, and psql is told by them.
_OF_A_SESSION = re.compile(r"(SET|RESET)\b|SELECT (pg_catalog\.)?set_config\b", re.I)
_TOLD_TO_PSQL = re.compile(r"^\\\w.*$", re.M)
_NAMES = re.compile(r'"(?:[^"]|"")*"|`(?:[^`]|``)*`')
_FOREIGN = re.compile(r"ALTER TABLE\b.*\b(FOREIGN KEY|REFERENCES)\b", re.I)
_KEYS = re.compile(
    r"CREATE (UNIQUE )?INDEX\b|ALTER TABLE\b.*\b(UNIQUE|INDEX|(?<!PRIMARY )KEY)\b", re.I
)
_TABLES = re.compile(r"(CREATE TABLE|ALTER TABLE|COMMENT ON)\b", re.I)
_SEQUENCES = re.compile(r"(CREATE|ALTER) SEQUENCE\b", re.I)
# Such a table would have rows already.
_ROWS = re.compile(
    r"CREATE TABLE\b.*(\bAS (\(|WITH|SELECT|TABLE|VALUES)|\) ?SELECT)", re.I
)


@dataclass(frozen=True, slots=True)
class Script:
    """Statements, in the order in which they are run, of each part."""

    tables: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    foreign_keys: tuple[str, ...] = ()

    @property
    def statements(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.tables, *self.indexes, *self.foreign_keys)


def script_of(text: str, engine: str) -> Script:
    """Take `text` apart, definitions for `engine`. Raises ConfigError for a statement
    that defines no table."""
    parts: dict[str, list[str]] = {"tables": [], "indexes": [], "foreign": []}
    if engine == "postgresql":
        text = _TOLD_TO_PSQL.sub("", text)
    for each in split(text, engine):
        shape = " ".join(_NAMES.sub("x", scan(each, engine).shape).split())
        part = _part(shape, engine)
        if part is None:
            said = " ".join(each.split())
            raise errors.ConfigError(
                "the definitions may have CREATE TABLE, CREATE INDEX, ALTER TABLE, "
                "COMMENT ON and, on PostgreSQL, sequences; not: "
                f"{said if len(said) <= _MOST_SHOWN else said[:_MOST_SHOWN] + '…'}"
            )
        if part:
            parts[part].append(each)
    return Script(*(tuple(each) for each in parts.values()))


_MOST_SHOWN = 80


def _part(shape: str, engine: str) -> str | None:
    """Return which part a statement belongs to; "" is none, None that it is refused."""
    if _OF_A_SESSION.match(shape):
        return ""
    if _ROWS.match(shape):
        return None
    if _FOREIGN.match(shape):
        # The mover's sessions there do not look at foreign keys.
        return "foreign" if engine == "postgresql" else "tables"
    if _KEYS.match(shape):
        return "indexes"
    is_sequence = engine == "postgresql" and _SEQUENCES.match(shape)
    return "tables" if is_sequence or _TABLES.match(shape) else None
