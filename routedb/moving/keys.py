"""Conditions on primary keys: what lies after a key, what up to it, which rows."""

from __future__ import annotations

from collections.abc import Sequence

from routedb.moving.pairs import Pair
from routedb.moving.spelling import name
from routedb.moving.texts import key_literal

Key = tuple[str, ...]  # the texts of its values


def after(pair: Pair, key: Key | None, alias: str = "") -> str:
    """Return the condition at the source of `pair` for what lies after `key`, in the
    order of the primary key there; `alias` names the table."""
    return _beyond(pair, key, alias, ">") if key is not None else "TRUE"


def up_to(pair: Pair, key: Key | None, alias: str = "", journal: bool = False) -> str:
    """Return the same at the source of `pair` for what lies up to `key`, which belongs
    to it; None is the end. `alias` names the table; in a `journal` the key's columns
    have other names."""
    if key is None:
        return "TRUE"
    return f"NOT ({_beyond(pair, key, alias, '>', journal)})"


def _beyond(pair: Pair, key: Key, alias: str, sign: str, journal: bool = False) -> str:
    columns, values = _sides(pair, key, alias, journal)
    if pair.from_engine in ("postgresql", "sqlite"):
        return f"({', '.join(columns)}) {sign} ({', '.join(values)})"
    # MariaDB finds no range by a comparison of rows.
    each = []
    for place, column in enumerate(columns):
        same = [f"{columns[i]} = {values[i]}" for i in range(place)]
        each.append(" AND ".join([*same, f"{column} {sign} {values[place]}"]))
    first = f"{columns[0]} {sign}= {values[0]}"
    if len(columns) == 1:
        return each[0]
    return f"{first} AND ({' OR '.join(each)})"


def _sides(
    pair: Pair, key: Key, alias: str, journal: bool
) -> tuple[list[str], list[str]]:
    before = f"{alias}." if alias else ""
    engine = pair.from_engine
    found = [
        before + (f"k{place}" if journal else name(engine, field.name))
        for place, field in enumerate(pair.key_fields)
    ]
    values = [
        key_literal(engine, field, field.from_type, text)
        for field, text in zip(pair.key_fields, key, strict=True)
    ]
    return found, values


def among(pair: Pair, keys: Sequence[Key], at_target: bool = True) -> str:
    """Return the condition for the rows of these `keys` at one end of `pair`,
    `at_target` or at its source."""
    engine = pair.to_engine if at_target else pair.from_engine
    fields = pair.key_fields
    columns = [name(engine, field.name) for field in fields]
    rows = [
        [
            key_literal(engine, f, f.to_type if at_target else f.from_type, text)
            for f, text in zip(fields, key, strict=True)
        ]
        for key in keys
    ]
    if len(columns) == 1:
        return f"{columns[0]} IN ({', '.join(row[0] for row in rows)})"
    listed = ", ".join(f"({', '.join(row)})" for row in rows)
    values = "VALUES " if engine == "sqlite" else ""
    return f"({', '.join(columns)}) IN ({values}{listed})"
