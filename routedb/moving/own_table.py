"""What stands against a table of the user's own as the target of a moved one."""

from __future__ import annotations

from routedb.moving.definitions import Column, Table
from routedb.moving.holding import Held, held
from routedb.moving.types import Kind

_QUIET = ("NO ACTION", "RESTRICT")


def held_columns(table: Table, own: Table) -> dict[str, Held | str]:
    """Return how each column of `table` that is copied is held by the user's `own`, or
    why it is not."""
    theirs = {column.name: column for column in own.columns}
    found: dict[str, Held | str] = {}
    for column in table.stored:
        to = theirs.get(column.name)
        if to is None:
            found[column.name] = "is not there"
        elif to.generated is not None:
            found[column.name] = "is generated there, and is not at the source"
        else:
            found[column.name] = held(column, table.engine, to, own.engine)
    return found


def against(table: Table, own: Table) -> list[str]:
    """Return why the user's `own` does not hold what `table` has, a line for each
    reason."""
    found = [f"the target's own {each}" for each in own.oddities]
    if own.key != table.key:
        keys = [", ".join(key) or "none" for key in (own.key, table.key)]
        found.append(f"the primary key is {keys[0]} at the target, not {keys[1]}")
    found += [
        f"{column}: {said}"
        for column, said in held_columns(table, own).items()
        if isinstance(said, str)
    ]
    found += _against_others(table, own)
    found += [
        f"{column.name}: in a key of the target, which compares it by "
        f"{column.collation}: two rows of the source may be one there"
        for column in own.columns
        if own.engine == "mysql" and _may_be_one(table, own, column)
    ]
    return found


def _against_others(table: Table, own: Table) -> list[str]:
    """About columns that are not copied."""
    copied = {column.name for column in table.stored}
    generated = {column.name for column in table.columns} - copied
    found = []
    for column in own.columns:
        is_filled = column.generated is not None
        if column.name in generated and not is_filled:
            found.append(f"{column.name}: is generated at the source: let it be so")
        elif column.name not in copied and not (
            is_filled or column.is_nullable or column.default or column.is_numbered
        ):
            found.append(f"{column.name}: is not at the source, and has no DEFAULT")
    return found


def _may_be_one(table: Table, own: Table, column: Column) -> bool:
    keyed = {*own.key, *(c for i in own.indexes if i.is_unique for c in i.columns)}
    if column.name not in keyed or not column.collation:
        return False
    source = {each.name: each for each in table.columns}.get(column.name)
    if source is not None and table.engine == own.engine:
        return source.collation != column.collation
    return not column.collation.endswith("_nopad_bin")


def too_early(own: Table) -> list[str]:
    """Return what of the user's `own` table would refuse rows as they are copied: what
    it has before the first of them."""
    found = [
        f"its unique index {index.name} is there before the rows: write it as CREATE "
        "UNIQUE INDEX or ALTER TABLE … ADD UNIQUE, which is run after them"
        for index in own.indexes
        if index.is_unique
    ]
    if own.engine == "postgresql":
        found += [
            f"its foreign key {key.name} is there before the rows: write it as ALTER "
            "TABLE … ADD FOREIGN KEY, which is run at the switch"
            for key in own.foreign_keys
            if key.child == own.name
        ]
    return found


def foreign_keys_against(table: Table, own: Table) -> list[str]:
    """Return which foreign keys of the user's `own` rows of `table` may be against, or
    act on what is written where that could not be followed."""
    known = {(k.columns, k.parent, k.parent_columns) for k in table.foreign_keys}
    found = []
    for key in own.foreign_keys:
        if key.child != own.name:
            continue
        if (key.columns, key.parent, key.parent_columns) not in known:
            found.append(f"its foreign key {key.name} is not at the source")
        elif (table.engine, own.engine) != ("postgresql", "postgresql") and (
            key.on_delete not in _QUIET or key.on_update not in _QUIET
        ):
            found.append(
                f"its foreign key {key.name} acts ON DELETE or ON UPDATE, which could "
                "not be followed"
            )
    return found


def own_notes(table: Table, own: Table) -> list[str]:
    """Return what the user is to know of `table` moved to the `own` one."""
    found = []
    for column, said in held_columns(table, own).items():
        if isinstance(said, Held):
            if said.note:
                found.append(f"{table.name}: {said.note}")
            if said.beyond:
                found.append(
                    f"{table.name}: {column}: rows where {said.beyond} are refused at "
                    "the target; there are none now"
                )
    numbered = {c.name for c in table.columns if c.is_numbered}
    numbered -= {c.name for c in own.columns if c.is_numbered}
    found += [f"{table.name}: {c} has no numbers of its own" for c in sorted(numbered)]
    return found


def kinds_of(table: Table, own: Table) -> dict[str, Kind]:
    """Return the kind of each column of `table` that is copied to the user's `own`."""
    found = {}
    for column, said in held_columns(table, own).items():
        assert isinstance(said, Held), f"{column}: {said}"
        found[column] = said.kind
    return found
