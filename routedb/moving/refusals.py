"""What is not moved, by name and with the reason: nothing is moved almost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from routedb.moving.defaults import default_text
from routedb.moving.definitions import Column, ForeignKey, Table
from routedb.moving.own_table import own_notes
from routedb.moving.types import Kind, Mapped, kind_of, mapped

_ENGINES = ("postgresql", "mysql", "sqlite")
DIRECTIONS = frozenset(product(_ENGINES, _ENGINES)) - {("sqlite", "sqlite")}
NAMES = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "sqlite": "SQLite"}
# Kinds that both engines order and compare as texts on their way say.
_KEY_KINDS = frozenset(
    {
        *(Kind.INTEGER, Kind.DECIMAL, Kind.TEXT, Kind.CHAR, Kind.BYTES),
        *(Kind.DATE, Kind.STAMP, Kind.INSTANT, Kind.UUID),
    }
)
_QUIET = ("NO ACTION", "RESTRICT")


def direction(source: str, target: str) -> list[str]:
    """Return why nothing is moved from an engine `source` to an engine `target`; empty
    where it is."""
    if (source, target) in DIRECTIONS:
        return []
    names = f"{NAMES.get(source, source)} to {NAMES.get(target, target)}"
    return [f"moving from {names} is not there yet"]


def refusals(tables: Sequence[Table], target: str, is_own: bool = False) -> list[str]:
    """Return why `tables` cannot be moved together to the engine `target`, a line for
    each reason; empty where they can. `is_own`: the user has defined them there, which
    is looked at elsewhere (`own_table`)."""
    if tables:
        wrong = direction(tables[0].engine, target)
        if wrong:
            return wrong
    moved = {table.name for table in tables}
    found: list[str] = []
    for table in tables:
        reasons = [
            *table.oddities,
            *_about_key(table),
            *_about_sqlite(table, target),
            *([] if is_own else _about_definition(table, target)),
            *_about_foreign_keys(table, moved, target),
        ]
        found += [f"{table.name}: {reason}" for reason in reasons]
    return found


def notes(
    tables: Iterable[Table], target: str, own: Mapping[str, Table] | None = None
) -> list[str]:
    """Return what the user is to know of `tables` moved to `target`, where the `own`
    ones are or those of our definition, and what stays behind."""
    found = []
    for table in tables:
        for column in table.columns:
            to = mapped(column, table.engine, target)
            if own is None and isinstance(to, Mapped) and to.note:
                found.append(f"{table.name}: {to.note}")
        if own and table.name in own:
            found += own_notes(table, own[table.name])
        found += [
            f"{table.name}: its trigger {trigger} is not moved"
            for trigger in table.triggers
        ]
        found += [f"{table.name}: {each} is not moved" for each in table.left_behind]
    return found


def _about_definition(table: Table, target: str) -> list[str]:
    return [
        *_about_columns(table, target),
        *_about_indexes(table, target),
        *_about_checks(table, target),
    ]


def _about_key(table: Table) -> list[str]:
    if not table.key:
        return ["it has no primary key"]
    found = []
    for name in table.key:
        column = table.column(name)
        kind = kind_of(column, table.engine)
        base = column.type.lower()
        if kind not in _KEY_KINDS or base.startswith(("enum", "set")):
            found.append(f"its primary key has {name}, of type {column.type}")
        elif column.generated is not None:
            found.append(f"its primary key has {name}, which is generated")
    return found


def _about_sqlite(table: Table, target: str) -> list[str]:
    """What SQLite has in another way than servers."""
    if "sqlite" not in (table.engine, target):
        return []
    found = []
    for name in table.key:
        column = table.column(name)
        if column.is_nullable:
            found.append(f"its primary key has {name}, which may be NULL")
        if kind_of(column, table.engine) is Kind.DECIMAL:
            found.append(f"its primary key has {name}, of type {column.type}")
    if target == "sqlite":
        found += [
            f"{column.name}: SQLite numbers the rows of a primary key alone"
            for column in table.columns
            if column.is_numbered and table.key != (column.name,)
        ]
    for index in table.indexes:
        filled = [
            name
            for name in index.columns
            if table.column(name).default and not table.column(name).is_nullable
        ]
        if table.engine == "sqlite" and index.is_unique and filled:
            found.append(
                f"its unique index {index.name} has {', '.join(filled)}, which REPLACE "
                "fills with the DEFAULT: what it deletes then cannot be followed"
            )
    return found


def _about_columns(table: Table, target: str) -> list[str]:
    found = []
    for column in table.columns:
        to = mapped(column, table.engine, target)
        if isinstance(to, str):
            found.append(f"{column.name}: {to}")
            continue
        found += [f"{column.name}: {said}" for said in _column(table, column, target)]
        if column.name in table.key and to.type.startswith(("longtext", "longblob")):
            found.append(f"{column.name}: {column.type} without a length in a key")
    return found


def _column(table: Table, column: Column, target: str) -> list[str]:
    found = []
    if column.updates_itself and table.engine != target:
        found.append("ON UPDATE CURRENT_TIMESTAMP needs a trigger at the target")
    if column.generated is not None and table.engine != target:
        found.append("is generated by an expression of another engine")
    elif not column.is_numbered and (
        default_text(column, table.engine, target) is None
    ):
        found.append(f"its DEFAULT {column.default} has no counterpart")
    return found


def _about_indexes(table: Table, target: str) -> list[str]:
    found = []
    for index in table.indexes:
        if index.oddity and (table.engine != target or not index.text):
            found.append(f"its index {index.name} {index.oddity}")
            continue
        if target == "mysql" and table.engine != "mysql":
            long = [
                name
                for name in index.columns
                if _is_long(table.column(name), table.engine)
            ]
            if long:
                found.append(
                    f"its index {index.name} has {', '.join(long)}, which has no "
                    "length MariaDB could index"
                )
    return found


def _is_long(column: Column, engine: str) -> bool:
    to = mapped(column, engine, "mysql")
    return isinstance(to, Mapped) and to.type.startswith(("longtext", "longblob"))


def _about_checks(table: Table, target: str) -> list[str]:
    if table.engine == target:
        return []
    return [
        f"its constraint {check.name} is an expression of another engine: {check.text}"
        for check in table.checks
    ]


def _about_foreign_keys(table: Table, moved: set[str], target: str) -> list[str]:
    found = []
    for key in table.foreign_keys:
        others = {key.child, key.parent} - moved
        if others:
            found.append(
                f"its foreign key {key.name} has {', '.join(sorted(others))} at the "
                "other end, which is not moved with it"
            )
        elif (
            key.child == table.name
            and _acts(key)
            and (table.engine, target) != ("postgresql", "postgresql")
        ):
            engine = next(e for e in (table.engine, target) if e != "postgresql")
            found.append(
                f"its foreign key {key.name} acts ON DELETE or ON UPDATE, for which "
                f"{NAMES[engine]} fires no trigger: such changes could not be followed"
            )
    return found


def _acts(key: ForeignKey) -> bool:
    return key.on_delete not in _QUIET or key.on_update not in _QUIET
