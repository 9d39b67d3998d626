"""Table rules: one home for a table, no rule in vain, shards that fit the function."""

from __future__ import annotations

import datetime
import itertools

import pytest

from routedb import errors
from routedb.config import ShardFunction
from tests.unit.config.reading import loaded


def rules(tables, dialect=None, shards=2):
    content = {
        "default": "main",
        "databases": {
            "main": {"nodes": ["postgresql://m"]},
            "other": {"nodes": ["postgresql://x"]},
            "orders": {"shards": [f"postgresql://h{n}" for n in range(shards)]},
        },
        "tables": tables,
    }
    return loaded(content, dialect=dialect).tables


def refusal(tables, **given):
    with pytest.raises(errors.ConfigError) as caught:
        rules(tables, **given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "dialect", "schema", "name"),
    [
        ("T", "postgresql", None, "t"),
        ('"T"', "postgresql", None, "T"),
        ("S.T", "postgresql", "s", "t"),
        ('"S.x"."a ""b"" c"', "postgresql", "S.x", 'a "b" c'),
        ("*.t_[0-9]", "postgresql", "*", "t_[0-9]"),
        ("`a``b`.t", "mysql", "a`b", "t"),
    ],
)
def test_a_pattern_is_a_name_or_a_schema_and_a_name(pattern, dialect, schema, name):
    [rule] = rules({pattern: "main"}, dialect)
    assert (rule.pattern, rule.schema, rule.name) == (pattern, schema, name)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", "a table is written name or schema.name"),
        ("a.b.c", "a table is written name or schema.name"),
        ("a.", "a table is written name or schema.name"),
        ("a b", "a table is written name or schema.name"),
        ("t[ab", "can never match: a [ has no ]"),
        ("t[b-a]", "can never match: [b-a] matches no character"),
    ],
)
def test_a_pattern_that_is_none_is_refused(pattern, text):
    assert refusal({pattern: "main"}).startswith(f'mapping: tables."{pattern}": {text}')


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("t", "T"),
        ("crm_*", "CRM_*"),
        ("t", "public.t"),
        ("public.t", "t"),
        ("s.t", "S.T"),
        ("t", '"t"'),
    ],
)
def test_a_table_with_two_homes_names_both(first, second):
    told = refusal({first: "main", second: "other"})
    assert told.startswith(f'mapping: tables."{second}"')
    assert f"two homes: main by {first!r} and other by {second!r}" in told


def test_quotes_make_another_table():
    assert len(rules({"t": "main", '"T"': "other"})) == 2


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("*", "t"),
        ("crm_*", "crm_1"),
        ("crm_*", "crm_a_*"),
        ("*.t", "s.t"),
        ("t", "s.t"),
        ("s.*", "s.t?"),
        ("t_[a-z]", "t_[m-p]"),
        ("*a*", "?a"),
        ("*_old", "*_very_old"),
    ],
)
def test_a_rule_that_an_earlier_one_hides_is_refused(above, below):
    told = refusal({above: "main", below: "main"})
    assert told.startswith(f'mapping: tables."{below}": can never match: {above!r} a')
    assert "put the more special rule first" in told
    assert len(rules({below: "main", above: "main"})) == 2


@pytest.mark.parametrize(
    ("above", "below"),
    [("crm_?", "crm_*"), ("s.t", "t"), ("a*", "*a"), ("t_[a-m]", "t_[a-z]")],
)
def test_a_rule_that_still_matches_something_stays(above, below):
    assert [r.pattern for r in rules({above: "main", below: "main"})] == [above, below]


def test_a_rule_that_several_earlier_ones_hide_together_is_refused():
    tables = {"t_[a-m]*": "main", "t_[!a-m]*": "other", "t_?": "main"}
    told = refusal(tables)
    assert told.startswith('mapping: tables."t_?": can never match')
    assert "'t_[a-m]*' and 't_[!a-m]*' above it match" in told


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("nowhere", "databases are main, other, orders; did you"),
        ({"database": "ordrs"}, "did you mean 'orders'?; found 'ordrs'"),
        ({"databse": "main"}, "no such key; allowed are database, shard_key"),
        ({"reference": True}, '"t".database: is missing'),
        (3, '"t": expected a table; found 3'),
        ({"database": "main", "shard_key": "id"}, "database 'main' is not sharded"),
        ({"database": "main", "reference": True}, "database 'main' is not sharded"),
        ({"database": "main", "bounds": [1]}, "\"t\".bounds: database 'main' is not"),
        ("orders", 'either shard_key = "column" or reference = true'),
        (
            {"database": "orders", "shard_key": "id", "reference": True},
            'either shard_key = "column" or reference = true',
        ),
        (
            {"database": "orders", "reference": True, "function": "hash"},
            '"t".function: a reference table is whole on every shard',
        ),
        (
            {"database": "orders", "shard_key": "a, b"},
            "shard_key: expected the name of one column; found 'a, b'",
        ),
    ],
)
def test_a_rule_fits_its_database(rule, text):
    told = refusal({"t": rule})
    assert told.startswith('mapping: tables."t"')
    assert text in told


@pytest.mark.parametrize(
    ("keys", "function"),
    [
        ({}, ShardFunction("hash")),
        ({"key_type": "uuid"}, ShardFunction("hash", "uuid")),
        ({"function": "modulo"}, ShardFunction("modulo")),
        ({"bounds": [9]}, ShardFunction("range", bounds=(9,))),
        ({"function": "list", "values": [[1], [2, 3]]}, None),
        ({"values": [[1], [2, 3]]}, None),
    ],
)
def test_the_function_follows_from_its_keys(keys, function):
    [rule] = rules({"t": {"database": "orders", "shard_key": "ID", **keys}})
    listed = ShardFunction("list", values=((1,), (2, 3)))
    assert (rule.shard_key, rule.function) == ("id", function or listed)


ZONED = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"function": "hsh"}, "allowed are hash, modulo, range, list, directory; did"),
        ({"key_type": "int"}, "key_type: allowed are integer, numeric, text, uuid"),
        ({"function": "modulo", "key_type": "text"}, "modulo takes keys of type int"),
        ({"function": "directory"}, "values: is missing: function 'directory' needs"),
        ({"otherwise": "hash"}, "belongs to function = 'directory', not 'hash'"),
        (
            {"function": "directory", "values": [[], [], []], "otherwise": "x"},
            "otherwise",
        ),
        (
            {
                "function": "directory",
                "values": [[], [], []],
                "otherwise": "refuse",
                "buckets": [["0-16383"], [], []],
            },
            "buckets: belongs to otherwise = 'hash'",
        ),
        ({"function": "modulo", "buckets": []}, "belongs to function = 'hash', not"),
        ({"buckets": [["0-16383"]]}, "3 shards have 3 lists of buckets, not 1"),
        ({"buckets": [["0-9"], [], []]}, "bucket 10 is on no shard"),
        ({"function": "range"}, "bounds: is missing: function 'range' needs it"),
        ({"function": "list"}, "values: is missing: function 'list' needs it"),
        ({"function": "hash", "bounds": [1]}, "belongs to function = 'range', not"),
        ({"bounds": [1], "values": [[1], [2]]}, "values: belongs to function = 'list'"),
        ({"bounds": [1, 2, 3]}, "between 3 shards there are 2 bounds, not 3; found"),
        ({"bounds": [1]}, "between 3 shards there are 2 bounds, not 1; found [1]"),
        ({"bounds": [2, 1]}, "bounds must rise; found [2, 1]"),
        ({"bounds": [1, 1]}, "bounds must rise"),
        ({"bounds": [1, "a"]}, "one type, not whole numbers and strings"),
        ({"bounds": [0.5, float("nan")]}, "keys are of one type of true or false"),
        ({"bounds": [1, [2]]}, "keys are of one type of true or false"),
        ({"bounds": [ZONED.replace(tzinfo=None), ZONED]}, "must be comparable"),
        ({"values": [[1]]}, "3 shards have 3 lists of keys, not 1"),
        ({"values": [[1], [1], [2]]}, "values[1][0]: a key has one shard; shard 0 has"),
        ({"values": [[1], ["a"], []]}, "one type, not whole numbers and strings"),
        ({"values": [1, 2, 3]}, "values[0]: expected a list; found 1"),
    ],
)
def test_a_function_fits_its_shards(keys, text):
    tables = {"t": {"database": "orders", "shard_key": "id", **keys}}
    assert text in refusal(tables, shards=3)


def test_hundreds_of_rules_stand_beside_one_another():
    names = ["".join(pair) for pair in itertools.product("abcdefghijklmnop", repeat=2)]
    tables = {**{f"{n}_*": "main" for n in names}, **dict.fromkeys(names, "other")}
    assert len(rules(tables)) == 512
