"""MERGE on sharded tables: on the shard of its rows, on each, or refused by name."""

from __future__ import annotations

import pytest

import routedb
from tests.support.sharded import shard, target

INSERT = "WHEN NOT MATCHED THEN INSERT (customer_id, id) VALUES "
MATCHED = "WHEN MATCHED THEN UPDATE SET note = 'seen' "
BY_KEY = "ON o.customer_id = s.customer_id AND o.id = s.id "
SELECTED = "(SELECT %s AS customer_id, %s AS id) s "


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        (
            f"MERGE INTO orders o USING {SELECTED}{BY_KEY}{MATCHED}"
            f"{INSERT}(s.customer_id, s.id)",
            (42, 1),
        ),
        (
            "MERGE INTO orders o USING (VALUES (42, 1), (42, 2)) s (customer_id, id) "
            f"{BY_KEY}{MATCHED}{INSERT}(s.customer_id, s.id)",
            None,
        ),
        (
            "MERGE INTO orders o USING (VALUES (42)) s ON o.customer_id = s.column1 "
            f"{INSERT}(s.column1, 7)",
            None,
        ),
        (
            "MERGE INTO orders o USING countries s ON o.customer_id = 42 "
            f"AND o.id = s.id {INSERT}(42, s.id)",
            None,
        ),
        (
            "MERGE INTO orders o USING (SELECT * FROM items WHERE customer_id = %s) s "
            f"ON o.customer_id = %s AND o.id = s.id {INSERT}(%s, s.id)",
            (42, 42, 42),
        ),
        (
            "MERGE INTO orders o USING countries s ON o.customer_id = 42 "
            "AND o.id = s.id WHEN MATCHED AND o.id > 1 THEN DELETE "
            "WHEN MATCHED THEN DO NOTHING",
            None,
        ),
    ],
)
def test_a_merge_runs_on_the_shard_of_its_rows(sql, params):
    assert shard(sql, params) == shard("SELECT * FROM orders WHERE customer_id = 42")


def test_rows_of_equal_keys_meet_on_each_shard():
    found = target(
        f"MERGE INTO orders o USING items s {BY_KEY}{MATCHED}"
        f"{INSERT}(s.customer_id, s.id)"
    )
    assert found.is_each
    assert len(found.shards) > 1


def test_copies_are_merged_on_every_shard():
    sql = (
        "MERGE INTO countries c USING (SELECT 1 AS id) s ON c.id = s.id "
        "WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"
    )
    assert target(sql).is_every


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (
            f"MERGE INTO orders o USING {SELECTED}ON o.id = s.id {MATCHED}",
            "customer_id",
        ),
        (
            f"MERGE INTO orders o USING countries s ON o.customer_id = 42 {INSERT}"
            "(s.id, s.id)",
            "given as an expression",
        ),
        (
            "MERGE INTO orders o USING countries s ON o.customer_id = 42 "
            "WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)",
            "without naming their shard key",
        ),
        (
            "MERGE INTO orders o USING countries s ON o.customer_id = 42 "
            "WHEN NOT MATCHED THEN INSERT VALUES (42, 1)",
            "without naming their shard key",
        ),
        (
            f"MERGE INTO orders o USING items s {BY_KEY}"
            "WHEN NOT MATCHED BY SOURCE THEN DELETE",
            "BY SOURCE",
        ),
        (
            f"MERGE INTO orders o USING items s {BY_KEY}"
            "WHEN MATCHED THEN UPDATE SET customer_id = o.id",
            "set to an expression",
        ),
        (
            "MERGE INTO orders o USING (VALUES (1, 1), (2, 2), (3, 3), (4, 4)) "
            f"s (customer_id, id) {BY_KEY}{INSERT}(s.customer_id, s.id)",
            "several shards",
        ),
        (
            f"WITH w AS (SELECT 1) MERGE INTO orders o USING items s {BY_KEY}{MATCHED}",
            "begins with WITH",
        ),
    ],
)
def test_what_could_be_for_other_shards_is_refused(sql, why):
    params = (42, 1) if "%s" in sql else None
    with pytest.raises(routedb.ShardError, match=why):
        target(sql, params)
