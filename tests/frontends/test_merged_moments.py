"""What statements over several groups ask of the clock is one time for all."""

from __future__ import annotations

from typing import Any

import pytest

import routedb
from tests.frontends.merged_world import World

# By dialect: times, which are a column each.
TIMES = {
    "postgresql": (
        "now()",
        "CURRENT_TIMESTAMP",
        "current_timestamp(3)",
        "CURRENT_DATE",
        "LOCALTIME",
        "localtimestamp(0)",
        "transaction_timestamp()",
        "statement_timestamp()",
        "current_time",
        "'now'::timestamptz",
        "timestamp(3) 'now'",
        "CAST('today' AS date)",
        "'tomorrow'::timestamp with time zone",
    ),
    "mysql": (
        "NOW()",
        "NOW(6)",
        "CURRENT_TIMESTAMP",
        "CURDATE()",
        "CURRENT_DATE",
        "CURTIME(3)",
        "UTC_TIMESTAMP()",
        "UTC_DATE",
    ),
    "sqlite": ("CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"),
}
VOLATILE = {
    "postgresql": ("clock_timestamp()", "random()", "gen_random_uuid()", "timeofday()"),
    "mysql": ("SYSDATE()", "RAND()", "UUID()"),
    "sqlite": ("random()", "hex(randomblob(4))"),
}


def _dialect(world: World) -> str:
    return str(world.routed.session.core.config.default_database.dialect)


def _ask(connection: Any, sql: str) -> tuple[list[Any], list[Any]]:
    cursor = connection.cursor()
    cursor.execute(sql)
    return list(cursor.fetchall()), [column[:2] for column in cursor.description]


def test_all_rows_of_all_groups_have_one_time(world: World):
    times = TIMES[_dialect(world)]
    for sql in (
        f"SELECT {', '.join(times)} FROM items",
        f"SELECT {', '.join(times)} FROM items a JOIN items b ON b.id = a.id + 1",
    ):
        rows, names = _ask(world.routed, sql)
        assert len(rows) > 10
        assert len(set(rows)) == 1, sql
        expected, wanted = _ask(world.one, sql)
        assert names == wanted
        assert list(map(type, rows[0])) == list(map(type, expected[0]))


def test_times_in_conditions_choose_rows(world: World):
    now = TIMES[_dialect(world)][0]
    day = "2024-01-05"
    for sql in (
        f"SELECT id FROM items WHERE seen < {now} AND seen > '{day}' ORDER BY id",
        f"SELECT a.id FROM items a JOIN items b ON b.seen < {now} AND b.id > a.id "
        f"WHERE a.seen <= '{day}' ORDER BY a.id, b.id",
        f"SELECT count(*) AS n FROM items WHERE seen > {now}",
        f"SELECT max(seen) AS most FROM items WHERE {now} IS NOT NULL",
    ):
        assert _ask(world.routed, sql) == _ask(world.one, sql)


def test_what_draws_or_looks_at_the_clock_again_is_refused(world: World):
    for call in VOLATILE[_dialect(world)]:
        for sql in (
            f"SELECT id, {call} AS drawn FROM items",
            f"SELECT a.id FROM items a JOIN items b ON b.id > a.id AND {call} IS NULL",
        ):
            with pytest.raises(routedb.ShardError, match="not merged"):
                world.routed.cursor().execute(sql)


def test_a_column_that_would_be_called_otherwise_needs_a_name(world: World):
    now = TIMES[_dialect(world)][0]
    with pytest.raises(routedb.ShardError, match="give it one"):
        world.routed.cursor().execute(
            f"SELECT CASE WHEN id > 0 THEN NULL ELSE {now} END FROM items"
        )
    sql = f"SELECT CASE WHEN id > 99 THEN {now} END AS t FROM items"
    assert _ask(world.routed, sql) == _ask(world.one, sql)


def test_a_transaction_has_one_time(pg_world: World):
    routed, sql = pg_world.routed, "SELECT now() FROM items"
    routed.autocommit = False
    times = {row for _ in range(3) for row in _ask(routed, sql)[0]}
    times |= set(_ask(routed, "SELECT now() FROM items a, items b")[0])
    assert len(times) == 1
    routed.rollback()
    assert _ask(routed, sql)[0][0] not in times
    routed.rollback()


def test_sqlite_s_now_is_a_text_that_its_functions_take(lite: World):
    for sql in (
        "SELECT id, date('now') > seen AS old FROM items ORDER BY id",
        "SELECT count(*) AS n FROM items WHERE seen < datetime('now', '-1 day')",
        "SELECT count(*) AS n FROM items WHERE strftime('%Y', 'now') > seen",
        "SELECT count(*) AS n FROM items WHERE name = 'now' OR date() > seen",
        "SELECT a.id FROM items a JOIN items b ON b.seen < date('NOW') "
        "AND b.id = a.id ORDER BY 1",
    ):
        assert _ask(lite.routed, sql) == _ask(lite.one, sql)


def test_explain_shows_what_was_asked(world: World):
    now = TIMES[_dialect(world)][0]
    plan = world.routed.explain(f"SELECT id FROM items WHERE seen < {now}").plan
    assert f"'{now}'" in str(plan)


# By dialect: what reads the clock by other words, and is refused.
READS_THE_CLOCK = {
    "postgresql": (
        "SELECT age(seen) FROM items",
        "SELECT id FROM items WHERE seen < 'today'",
        "SELECT coalesce(seen, 'yesterday') FROM items",
    ),
    "mysql": (),
    "sqlite": (
        "SELECT strftime('%Y') FROM items",
        "SELECT datetime('2024-01-01', 'now') FROM items",
    ),
}
PLAIN = (
    "SELECT id, 'now' AS n FROM items WHERE name = 'today' OR name IN ('now', 'n1')",
    "SELECT id FROM items WHERE name LIKE 'now%' OR name > 'tomorrow'",
)


def test_other_words_for_the_clock(world: World):
    for sql in READS_THE_CLOCK[_dialect(world)]:
        with pytest.raises(routedb.ShardError, match=r"clock|CURRENT_"):
            world.routed.cursor().execute(sql)
    for sql in PLAIN:
        rows, names = _ask(world.routed, f"{sql} ORDER BY id")
        assert (rows, names) == _ask(world.one, f"{sql} ORDER BY id")
