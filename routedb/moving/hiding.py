"""Rows that are on a shard and do not count there, while rows move between shards.

Each shard has two tables of primary keys. In one are the rows that have come, which
do not count before the switch; in the other those that have gone, which do not
count after it. The stream back comes by the second, and goes by the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from routedb.moving.keys import Key
from routedb.moving.pairs import Pair
from routedb.moving.spelling import name
from routedb.moving.texts import key_literal
from routedb.moving.triggers import door, refusing_texts
from routedb.session.fence import GUARD_SETTING, GUARD_VARIABLE, fence_text


def come_name(pair: Pair) -> str:
    """Return the name of the table of what the stream of `pair` brings."""
    return _names(pair)[0]


def gone_name(pair: Pair) -> str:
    """Return the name of the table of what the stream of `pair` takes."""
    return _names(pair)[1]


def _names(pair: Pair) -> tuple[str, str]:
    own = pair.marker.removesuffix("r")
    found = f"routedb_come_{own}", f"routedb_gone_{own}"
    return found if own == pair.marker else (found[1], found[0])


def hidden_in(pair: Pair, table: str) -> dict[str, Any]:
    """Return what a placement says of rows of `pair` whose keys are in `table`."""
    return {"hidden": table, "key": list(pair.key), "guard": 0}


def as_pair(pair: Pair, table: str) -> Pair:
    """Return `table`, of keys of rows of `pair`, as a table of its own."""
    fields = tuple(
        replace(field, name=f"k{place}") for place, field in enumerate(pair.key_fields)
    )
    key = tuple(field.name for field in fields)
    return replace(pair, name=table, fields=fields, key=key)


def make_texts(pair: Pair) -> list[str]:
    """Return what makes both tables of `pair` at a shard; again leaves the same."""
    engine = pair.from_engine
    own = name(engine, pair.name)
    keys = [name(engine, each) for each in pair.key]
    typed = ", ".join(f"{key} AS k{place}" for place, key in enumerate(keys))
    listed = ", ".join(f"k{place}" for place in range(len(keys)))
    made = []
    for plain in _names(pair):
        table = name(engine, plain)
        select = f"SELECT {typed} FROM {own} WHERE FALSE"
        if engine == "mysql":
            made.append(
                f"CREATE TABLE IF NOT EXISTS {table} (PRIMARY KEY ({listed})) "
                f"ENGINE=InnoDB AS {select}"
            )
            continue
        made += [
            f"CREATE TABLE IF NOT EXISTS {table} AS {select}",
            f"CREATE UNIQUE INDEX IF NOT EXISTS {name(engine, plain + '_k')} "
            f"ON {table} ({listed})",
            f"GRANT SELECT ON {table} TO PUBLIC",
        ]
    return made


def drop_texts(pair: Pair) -> list[str]:
    """Return what drops them."""
    engine = pair.from_engine
    return [f"DROP TABLE IF EXISTS {name(engine, each)}" for each in _names(pair)]


def note_text(pair: Pair, table: str, keys: Sequence[Key]) -> str:
    """Return what notes `keys` of rows of `pair` in `table`, where they may be."""
    engine = pair.from_engine
    rows = ", ".join(
        "("
        + ", ".join(
            key_literal(engine, field, field.from_type, text)
            for field, text in zip(pair.key_fields, key, strict=True)
        )
        + ")"
        for key in keys
    )
    if engine == "mysql":
        return f"INSERT IGNORE INTO {name(engine, table)} VALUES {rows}"
    return f"INSERT INTO {name(engine, table)} VALUES {rows} ON CONFLICT DO NOTHING"


def is_noted(pair: Pair, table: str) -> str:
    """Return the condition for rows of `pair` whose keys are in `table`."""
    engine = pair.from_engine
    own = name(engine, pair.name)
    same = " AND ".join(
        f"routedb_hidden.k{place} = {own}.{name(engine, column)}"
        for place, column in enumerate(pair.key)
    )
    return (
        f"EXISTS (SELECT 1 FROM {name(engine, table)} AS routedb_hidden WHERE {same})"
    )


def guard_texts(pair: Pair, token: str, place: str, version: int) -> list[str]:
    """Return what has the source of `pair` refuse whoever shows neither `token` nor
    that it knows of `version`, by which rows have been moved to other shards of
    `place`. It has the name of a fence, and is dropped as one."""
    engine = pair.from_engine
    said = fence_text(pair.name, place, version, engine == "postgresql")
    knows = (
        f"COALESCE({GUARD_VARIABLE}, 0) >= {version}"
        if engine == "mysql"
        else f"coalesce(nullif(current_setting('{GUARD_SETTING}', true), ''), "
        f"'0')::bigint >= {version}"
    )
    passes = f"{door(engine, token)} OR {knows}"
    return refusing_texts(pair, said, version, passes)
