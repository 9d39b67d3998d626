"""Rows on their way to shards: by their keys, wherever these come from."""

from __future__ import annotations

from decimal import Decimal

import pytest

from routedb.config.model import ShardFunction, TableRule
from routedb.config.placements import Placement, rule_of
from routedb.moving.definitions import Column, ForeignKey, Index, Table
from routedb.moving.pairs import pair_of
from routedb.moving.spreading import Spreading, place_of, refusals
from routedb.runtime import read_config
from routedb.sharding.keys.shard_functions import shard_of

SHARDS = {
    "databases": {"o": {"shards": [["postgresql://a/1"], ["postgresql://b/1"]]}},
    "default": "o",
}
TYPES = [
    ("integer", "42", 42),
    ("numeric(10,2)", "42.50", Decimal("42.5")),
    ("character varying(9)", "Éa\tb", "Éa\tb"),
    ("bytea", "\\x616263", b"abc"),
    ("uuid", "0e37df36-f698-11e6-8dd4-cb9ced3df976", None),
    ("date", "2024-02-29", None),
]
KEY_TYPES = {"numeric(10,2)": "numeric", "bytea": "bytes", "date": "date"}


def rule(function: ShardFunction, key: str = "k") -> TableRule:
    return TableRule("t", None, "t", "o", key, function)


def table(*columns: Column, **more: object) -> Table:
    return Table("t", "postgresql", columns=columns, key=("id", "k"), **more)  # type: ignore[arg-type]


ID = Column("id", "bigint", is_nullable=False)
K = Column("k", "integer", is_nullable=False)


@pytest.mark.parametrize(("type_", "text", "value"), TYPES)
def test_a_row_goes_to_the_shard_that_a_program_finds_by_its_value(type_, text, value):
    made = pair_of(table(Column("x", "text"), ID, Column("k", type_)), "mysql", "m")
    function = ShardFunction("hash", KEY_TYPES.get(type_))
    spreading = Spreading(made, rule(function), 7)
    right = shard_of(function, text if value is None else value, 7)
    assert spreading.of_key(("5", text)) == right
    escaped = text.replace("\\", "\\\\").replace("\t", "\\t")
    assert spreading.of_row(f"\\N\t5\t{escaped}".encode()) == right


def test_a_block_is_split_into_lines_of_each_shard():
    made = pair_of(table(ID, K), "postgresql", "m")
    spreading = Spreading(made, rule(ShardFunction("modulo")), 2)
    found = dict(spreading.split(b"1\t2\n1\t3\n1\t4\n"))
    assert found == {0: b"1\t2\n1\t4\n", 1: b"1\t3\n"}


@pytest.mark.parametrize(
    "said",
    [
        {"shard_key": "k"},
        {"shard_key": "k", "key_type": "integer", "buckets": [["1-16383"], [0]]},
        {"shard_key": '"Odd key"', "bounds": [7]},
        {"shard_key": "k", "values": [["a"], ["b"]], "function": "directory"},
        {"shard_key": "k", "values": [["a"], ["b"]], "otherwise": "refuse",
         "function": "directory"},
        {"reference": True},
    ],
)  # fmt: skip
def test_a_rule_is_the_same_again_from_its_place(said):
    config = read_config(SHARDS, {})
    made = rule_of(Placement("t", {"database": "o", **said}, 1), config)
    place = place_of(made, 2)
    assert rule_of(Placement("t", place, 1), config) == made


def test_what_cannot_be_told_by_the_key_is_refused():
    index = Index("u", ("id",), is_unique=True)
    key = ForeignKey("f", "t", ("id",), "t", ("id",))
    rules = {"t": rule(ShardFunction("hash"))}
    found = refusals([table(ID, K, indexes=(index,), foreign_keys=(key,))], rules)
    assert [each.split(",")[0] for each in found] == [
        "t: its unique index u does not contain k",
        "t: its foreign key f does not refer from shard key to shard key",
    ]
    other = {"t": rule(ShardFunction("hash"), "x")}
    assert refusals([table(ID, K)], other) == ["t: it has no column x, its shard key"]
    x = Column("x", "integer")
    assert "primary key does not contain x" in refusals([table(ID, K, x)], other)[0]
    zoned = Column("k", "timestamp with time zone")
    assert refusals([table(ID, zoned)], rules) == [
        "t: its shard key k is of type timestamp with time zone"
    ]
    reference = {"t": TableRule("t", None, "t", "o", is_reference=True)}
    assert "a reference table" in refusals([table(ID, K)], reference)[0]
