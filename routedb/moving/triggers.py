"""What the mover makes at a table: the journal of its keys, and the fence.

Nothing of it is made for the mover's own sessions, which say who they are by a setting
(a door): else the stream back would be refused by the fence, and would note itself.
"""

from __future__ import annotations

from routedb.moving import sqlite_triggers
from routedb.moving.pairs import Pair
from routedb.moving.spelling import name, string
from routedb.session.fence import FENCED, fence_text

SETTING = "routedb.mover"
VARIABLE = "@routedb_mover"
_MYSQL_EVENTS = ("INSERT", "UPDATE", "DELETE")


def journal_name(pair: Pair) -> str:
    """Return the name of the journal of `pair`'s source table."""
    return f"routedb_journal_{pair.marker}"


def journal_texts(pair: Pair, token: str) -> list[str]:
    """Return what makes journal and triggers of `pair` at its source; running it again
    leaves the same. Sessions that show `token` note nothing."""
    if pair.from_engine == "sqlite":
        return sqlite_triggers.journal_texts(pair, journal_name(pair), token)
    makers = {"postgresql": _postgresql_journal, "mysql": _mysql_journal}
    return makers[pair.from_engine](pair, token)


def drop_journal_texts(pair: Pair) -> list[str]:
    """Return what drops them."""
    if pair.from_engine == "sqlite":
        return sqlite_triggers.drop_journal_texts(pair, journal_name(pair))
    journal = name(pair.from_engine, journal_name(pair))
    if pair.from_engine == "postgresql":
        note = name("postgresql", f"routedb_note_{pair.marker}")
        return [
            f"DROP FUNCTION IF EXISTS {note}() CASCADE",
            f"DROP TABLE IF EXISTS {journal}",
        ]
    dropped = [
        f"DROP TRIGGER IF EXISTS {mysql_trigger('note', pair, event)}"
        for event in _MYSQL_EVENTS
    ]
    return [*dropped, f"DROP TABLE IF EXISTS {journal}"]


def _postgresql_journal(pair: Pair, token: str) -> list[str]:
    table = name("postgresql", pair.name)
    journal = name("postgresql", journal_name(pair))
    note = name("postgresql", f"routedb_note_{pair.marker}")
    keys = [name("postgresql", each) for each in pair.key]
    columns = ", ".join(f"k{place}" for place in range(len(keys)))
    types = ", ".join(
        f"k{place} {field.from_type}" for place, field in enumerate(pair.key_fields)
    )
    old, new = (", ".join(f"{row}.{key}" for key in keys) for row in ("OLD", "NEW"))
    body = (
        f"BEGIN IF {door('postgresql', token)} THEN RETURN NULL; END IF; "
        "IF TG_OP = 'TRUNCATE' THEN RAISE EXCEPTION "
        "'a table cannot be truncated while routedb moves it: use DELETE'; END IF; "
        "IF TG_OP <> 'INSERT' THEN "
        f"INSERT INTO {journal} ({columns}) VALUES ({old}); END IF; "
        f"IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND ({new})::text "
        f"IS DISTINCT FROM ({old})::text) THEN "
        f"INSERT INTO {journal} ({columns}) VALUES ({new}); END IF; "
        "RETURN NULL; END"
    )
    if len(keys) > 1:
        body = body.replace(f"({new})::text", f"ROW({new})::text")
        body = body.replace(f"({old})::text", f"ROW({old})::text")
    numbered = "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    return [
        f"CREATE TABLE IF NOT EXISTS {journal} ({numbered}, {types})",
        f"CREATE OR REPLACE FUNCTION {note}() RETURNS trigger LANGUAGE plpgsql "
        f"SECURITY DEFINER SET search_path FROM CURRENT AS $routedb${body}$routedb$",
        f"DROP TRIGGER IF EXISTS {note} ON {table}",
        f"CREATE TRIGGER {note} AFTER INSERT OR UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {note}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {note}",
        *_no_truncate(table, note, f"routedb_note_{pair.marker}"),
    ]


def _no_truncate(table: str, function: str, plain: str) -> list[str]:
    trigger = name("postgresql", f"{plain}_t")
    return [
        f"DROP TRIGGER IF EXISTS {trigger} ON {table}",
        f"CREATE TRIGGER {trigger} BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}",
    ]


def _mysql_journal(pair: Pair, token: str) -> list[str]:
    table = name("mysql", pair.name)
    journal = name("mysql", journal_name(pair))
    keys = [name("mysql", each) for each in pair.key]
    columns = ", ".join(f"k{place}" for place in range(len(keys)))
    # The table's own columns, for their types with character set and collation.
    typed = ", ".join(f"{key} AS k{place}" for place, key in enumerate(keys))
    old, new = (", ".join(f"{row}.{key}" for key in keys) for row in ("OLD", "NEW"))
    is_same = " AND ".join(f"BINARY OLD.{key} <=> BINARY NEW.{key}" for key in keys)
    noting = {
        "INSERT": f"INSERT INTO {journal} ({columns}) VALUES ({new});",
        "DELETE": f"INSERT INTO {journal} ({columns}) VALUES ({old});",
        "UPDATE": f"INSERT INTO {journal} ({columns}) VALUES ({old}); "
        f"IF NOT ({is_same}) THEN "
        f"INSERT INTO {journal} ({columns}) VALUES ({new}); END IF;",
    }
    made = [
        f"CREATE TABLE IF NOT EXISTS {journal} "
        "(id bigint AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB "
        f"AS SELECT {typed} FROM {table} WHERE FALSE"
    ]
    for event, body in noting.items():
        trigger = mysql_trigger("note", pair, event)
        made += [
            f"DROP TRIGGER IF EXISTS {trigger}",
            f"CREATE TRIGGER {trigger} AFTER {event} ON {table} FOR EACH ROW "
            f"BEGIN IF NOT ({door('mysql', token)}) THEN {body} "
            "END IF; END",
        ]
    return made


def mysql_trigger(what: str, pair: Pair, event: str) -> str:
    """Return the name, in SQL, of the trigger for `event` at the source of `pair` that
    is `what`: "note" or "fence"."""
    return name("mysql", f"routedb_{what}_{pair.marker}_{event.lower()}")


def fence_texts(pair: Pair, token: str, place: str, version: int) -> list[str]:
    """Return what fences the source of `pair`: whoever does not show `token` is told
    that the table lives in `place` from `version` on. Again leaves the same."""
    has_code = pair.from_engine == "postgresql"
    said = fence_text(pair.name, place, version, has_code)
    if pair.from_engine == "sqlite":
        return sqlite_triggers.fence_texts(pair, token, said)
    return refusing_texts(pair, said, version, door(pair.from_engine, token))


def door(engine: str, token: str) -> str:
    """Return the condition, in the SQL of `engine`, that a session shows `token`."""
    if engine == "mysql":
        return f"{VARIABLE} <=> {string('mysql', token)}"
    shown = f"current_setting('{SETTING}', true)"
    return f"{shown} IS NOT DISTINCT FROM {string('postgresql', token)}"


def refusing_texts(pair: Pair, said: str, version: int, passes: str) -> list[str]:
    """Return what has the source of `pair`, of PostgreSQL or MySQL, tell whoever writes
    there what is `said` of `version`, but for sessions of which the condition `passes`
    holds. It has the name of a fence, and is dropped as one."""
    if pair.from_engine == "mysql":
        return _mysql_refusing_texts(pair, said, passes)
    table = name("postgresql", pair.name)
    fence = name("postgresql", f"routedb_fence_{pair.marker}")
    body = (
        f"BEGIN IF {passes} THEN RETURN NULL; END IF; "
        f"RAISE EXCEPTION USING ERRCODE = '{FENCED}', MESSAGE = "
        f"{string('postgresql', said)}, DETAIL = 'version {version}'; END"
    )
    return [
        f"CREATE OR REPLACE FUNCTION {fence}() RETURNS trigger LANGUAGE plpgsql "
        f"AS $routedb${body}$routedb$",
        f"DROP TRIGGER IF EXISTS {fence} ON {table}",
        f"CREATE TRIGGER {fence} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE "
        f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {fence}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {fence}",
    ]


def _mysql_refusing_texts(pair: Pair, said: str, passes: str) -> list[str]:
    table = name("mysql", pair.name)
    made = []
    for event in _MYSQL_EVENTS:
        trigger = mysql_trigger("fence", pair, event)
        made += [
            f"DROP TRIGGER IF EXISTS {trigger}",
            f"CREATE TRIGGER {trigger} BEFORE {event} ON {table} FOR EACH ROW "
            f"BEGIN IF NOT ({passes}) THEN "
            f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = {string('mysql', said)}; "
            "END IF; END",
        ]
    return made


def drop_fence_texts(pair: Pair) -> list[str]:
    """Return what takes the fence of `pair`'s source away."""
    if pair.from_engine == "sqlite":
        return sqlite_triggers.drop_fence_texts(pair)
    if pair.from_engine == "postgresql":
        fence = name("postgresql", f"routedb_fence_{pair.marker}")
        return [f"DROP FUNCTION IF EXISTS {fence}() CASCADE"]
    return [
        f"DROP TRIGGER IF EXISTS {mysql_trigger('fence', pair, event)}"
        for event in _MYSQL_EVENTS
    ]
