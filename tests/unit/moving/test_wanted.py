"""What rows are to move by: a number of shards, keys of their own, another function."""

from __future__ import annotations

from typing import Any

import pytest

from routedb import errors
from routedb.config import buckets
from routedb.config.model import ShardFunction, TableRule
from routedb.moving.wanted import wanted_place

HASH = TableRule("t", None, "t", "o", "k", ShardFunction("hash", "integer"))


def place(asked: dict[str, Any], old: TableRule | None = HASH, shards: int = 5) -> Any:
    return wanted_place("o", shards, asked, old)


def test_a_shard_more_takes_its_part_of_each_and_nothing_else_moves():
    four = [*buckets.even(4)]
    function = ShardFunction("hash", None, buckets=buckets.text_of(four, 5))
    old = TableRule("t", None, "t", "o", "k", function)
    after = buckets.read(place({"shards": 5}, old)["buckets"])
    moved = [(a, b) for a, b in zip(four, after, strict=True) if a != b]
    assert {b for _, b in moved} == {4}
    assert len(moved) == buckets.BUCKETS // 5


def test_a_merge_takes_all_from_the_last_shards():
    after = buckets.read(place({"shards": 2}, shards=4)["buckets"])
    assert set(after) == {0, 1}
    even = buckets.even(4)
    assert all(a == b for a, b in zip(even, after, strict=True) if a in (0, 1))


def test_keys_get_a_shard_of_their_own():
    made = place({"keys": [42, 43], "shard": 2}, shards=3)
    assert (made["function"], made["values"]) == ("directory", [[], [], [42, 43]])
    function = ShardFunction("list", "integer", values=((42, 1), (2,)))
    old = TableRule("t", None, "t", "o", "k", function)
    assert place({"keys": [42], "shard": 1}, old, 2)["values"] == [[1], [2, 42]]


def test_another_function_is_as_it_is_asked_for():
    asked = {"shard_key": "x", "function": "modulo"}
    assert place(asked) == {"database": "o", **asked}
    assert place({"shard_key": "x"})["shard_key"] == "x"
    assert place({"shard_key": "x"}, None) == {"database": "o", "shard_key": "x"}
    some = place({"shard_key": "x", "shards": 2}, None, 3)
    assert some["buckets"] == [["0-8191"], ["8192-16383"], []]


def test_what_is_not_asked_for_stays_as_it_is():
    wanted = {"buckets": [["0-8191"], [], ["8192-16383"]]}
    kept = {"database": "o", "shard_key": '"k"', "key_type": "integer"}
    made = place(wanted, shards=3)
    assert {key: made[key] for key in (*kept, *wanted)} == {**kept, **wanted}
    function = ShardFunction("hash", "integer", buckets=buckets.text_of([0] * 16384, 2))
    old = TableRule("t", None, "t", "o", "k", function)
    asked = {"function": "range", "bounds": [5]}
    assert place(asked, old, 2) == {**kept, **asked}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"shards": 6}, "there are 5 shards, not 6"),
        ({"shards": 3, "function": "modulo"}, "is for function = 'hash'"),
        ({"keys": [1], "shard": 5}, "there is no shard 5"),
        ({"keys": [1], "shard": 1, "bounds": [1, 2, 3, 4], "function": "range"},
         "do not move by function 'range'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(asked, said):
    with pytest.raises(errors.ConfigError, match=said):
        place(asked)
