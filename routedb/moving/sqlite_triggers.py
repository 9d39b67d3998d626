"""Journal and fence on SQLite.

SQLite's triggers know no session. The mover shows who it is by a row in a table of its
own, the *door*, which it inserts and deletes again within each of its transactions:
writers come one after the other, so nobody else ever sees it there.

REPLACE deletes rows that have the new one's unique values, and fires no trigger for
them (`recursive_triggers` is off unless a program says so). So the keys of such rows
are noted before each INSERT and UPDATE, whether it replaces or not.
"""

from __future__ import annotations

from routedb.moving.pairs import Pair
from routedb.moving.spelling import name, names, string

EVENTS = ("INSERT", "UPDATE", "DELETE")
BEFORE = ("INSERT", "UPDATE")


def door_name(token: str) -> str:
    """Return the name of the door of the move with this `token`."""
    return f"routedb_door_{token[:8]}"


def journal_texts(pair: Pair, journal: str, token: str) -> list[str]:
    """Return what makes the table `journal` and the triggers of `pair`'s source; the
    door of `token` keeps the mover's own writes out."""
    columns = [f"k{place}" for place in range(len(pair.key))]
    typed = ", ".join(
        f"{column} {field.from_type}"
        for column, field in zip(columns, pair.key_fields, strict=True)
    )
    into = f"INSERT INTO {name('sqlite', journal)} ({', '.join(columns)})"
    old, new = (_of(pair, row) for row in ("OLD", "NEW"))
    changed = " OR ".join(
        f"NEW.{key} IS NOT OLD.{key} COLLATE BINARY"
        for key in (name("sqlite", each) for each in pair.key)
    )
    bodies = {
        "INSERT": f"{into} VALUES ({new});",
        "DELETE": f"{into} VALUES ({old});",
        "UPDATE": f"{into} VALUES ({old}); {into} SELECT {new} WHERE {changed};",
    }
    made = [
        f"CREATE TABLE IF NOT EXISTS {name('sqlite', door_name(token))} (is_open)",
        f"CREATE TABLE IF NOT EXISTS {name('sqlite', journal)} "
        f"(id INTEGER PRIMARY KEY AUTOINCREMENT, {typed})",
    ]
    for event in EVENTS:
        made += _trigger(pair, "note", "AFTER", event, bodies[event], token)
    replaced = "".join(_replaced(pair, into, unique) for unique in pair.uniques)
    if replaced:
        for event in BEFORE:
            made += _trigger(pair, "before", "BEFORE", event, replaced, token)
    return made


def _replaced(pair: Pair, into: str, unique: tuple[str, ...]) -> str:
    table = name("sqlite", pair.name)
    same = " AND ".join(
        f"{table}.{name('sqlite', each)} = NEW.{name('sqlite', each)}"
        for each in unique
    )
    keys = names("sqlite", pair.key)
    return f"{into} SELECT {keys} FROM {table} WHERE {same}; "


def drop_journal_texts(pair: Pair, journal: str) -> list[str]:
    """Return what drops the triggers of `pair`'s source, and the table `journal`."""
    dropped = [_drop(pair, "note", event) for event in EVENTS]
    dropped += [_drop(pair, "before", event) for event in BEFORE]
    return [*dropped, f"DROP TABLE IF EXISTS {name('sqlite', journal)}"]


def fence_texts(pair: Pair, token: str, said: str) -> list[str]:
    """Return what fences `pair`'s source: all but who has the door of `token` open are
    told what is `said`."""
    made = [f"CREATE TABLE IF NOT EXISTS {name('sqlite', door_name(token))} (is_open)"]
    body = f"SELECT RAISE(ABORT, {string('sqlite', said)});"
    for event in EVENTS:
        made += _trigger(pair, "fence", "BEFORE", event, body, token)
    return made


def drop_fence_texts(pair: Pair) -> list[str]:
    """Return what takes the fence of `pair`'s source away."""
    return [_drop(pair, "fence", event) for event in EVENTS]


def _trigger(
    pair: Pair, what: str, when: str, event: str, body: str, token: str
) -> list[str]:
    door = name("sqlite", door_name(token))
    return [
        _drop(pair, what, event),
        f"CREATE TRIGGER {_called(pair, what, event)} {when} {event} ON "
        f"{name('sqlite', pair.name)} FOR EACH ROW WHEN NOT EXISTS "
        f"(SELECT 1 FROM {door}) BEGIN {body} END",
    ]


def _drop(pair: Pair, what: str, event: str) -> str:
    return f"DROP TRIGGER IF EXISTS {_called(pair, what, event)}"


def _called(pair: Pair, what: str, event: str) -> str:
    return name("sqlite", f"routedb_{what}_{pair.marker}_{event.lower()}")


def _of(pair: Pair, row: str) -> str:
    return ", ".join(f"{row}.{name('sqlite', key)}" for key in pair.key)
