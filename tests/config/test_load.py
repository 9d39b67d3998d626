"""From what `connect` is given to values, or to an error that names the key."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from routedb import errors
from routedb.config import ShardFunction, load

SHOP = """
default = "main"

[databases.main]
nodes = [
  "postgresql://app:${PW}@db1/shop",
  { dsn = "postgresql://db2/shop", weight = 2 },
]
reads = "replica"
consistency = "process"
max_lag = "500ms"

[databases.crm]
nodes = ["mysql://old1/crm"]
read_only = true
connect_timeout = 2

[databases.orders]
shards = [["postgresql://a1/o", "postgresql://a2/o"], "postgresql://b1/o"]
failover_timeout = "2m"

[tables]
"crm_*" = "crm"
"orders" = { database = "orders", shard_key = "Customer_id" }
[tables."sales.items"]
database = "orders"
shard_key = "id"
function = "range"
bounds = [9]

[tables.countries]
database = "orders"
reference = true

[functions]
my_lookup = "read"
"""


def loaded(source=None, environ=None, files=None, **keywords):
    environ = {"PW": "s3cret"} if environ is None else environ
    return load(
        source, keywords, environ=environ, read_file=lambda p: (files or {})[str(p)]
    )


def shop(**keywords):
    return loaded("shop.toml", files={"shop.toml": SHOP}, **keywords)


def test_a_file_describes_a_cluster():
    config = shop()
    assert (config.default, config.source, config.hints) == ("main", "shop.toml", True)
    assert [d.dialect for d in config.databases.values()] == [
        "postgresql",
        "mysql",
        "postgresql",
    ]
    assert [(n.id, n.name, n.weight, n.group) for n in config.nodes] == [
        (0, "db1:5432/shop", 1.0, 0),
        (1, "db2:5432/shop", 2.0, 0),
        (2, "old1:3306/crm", 1.0, 1),
        (3, "a1:5432/o", 1.0, 2),
        (4, "a2:5432/o", 1.0, 2),
        (5, "b1:5432/o", 1.0, 3),
    ]
    assert [(g.database, g.shard) for g in config.groups] == [
        ("main", None),
        ("crm", None),
        ("orders", 0),
        ("orders", 1),
    ]
    assert config.functions == {"my_lookup": "read"}


def test_options_have_their_values():
    config = shop()
    main, crm, orders = config.databases.values()
    assert (main.consistency, main.max_lag_s, main.must_know_lag) == (
        "process",
        0.5,
        True,
    )
    assert (crm.read_only, crm.connect_timeout_s, crm.must_know_lag) == (
        True,
        2.0,
        False,
    )
    assert (orders.failover_timeout_s, orders.is_sharded) == (120.0, True)


def test_rules_are_split_and_folded():
    assert [(r.schema, r.name, r.shard_key) for r in shop().tables] == [
        (None, "crm_*", None),
        (None, "orders", "customer_id"),
        ("sales", "items", "id"),
        (None, "countries", None),
    ]
    assert shop().tables[2].function == ShardFunction("range", bounds=(9,))


def test_variables_are_expanded_and_escaped():
    assert shop().nodes[0].dsn == "postgresql://app:s3cret@db1/shop"
    assert loaded("postgresql://u:$${PW}@h/d").nodes[0].dsn.count("${PW}") == 1


@pytest.mark.parametrize(
    ("source", "keywords", "names"),
    [
        ("postgresql://h/d", {}, ["h:5432/d"]),
        (None, {"host": "h", "dbname": "d"}, ["h:5432/d"]),
        (["sqlite:///a.db", "sqlite:///a.db?mode=ro"], {}, ["a.db", "a.db #2"]),
        ([{"dsn": "sqlite:///a.db", "name": "one"}], {}, ["one"]),
        (("fake://a", "fake://b"), {"hints": False}, ["a", "b"]),
    ],
)
def test_other_sources_are_one_database_called_main(source, keywords, names):
    config = loaded(source, **keywords)
    assert (list(config.databases), config.default) == (["main"], "main")
    assert [node.name for node in config.nodes] == names


def test_the_environment_names_a_file_or_a_dsn():
    environ = {"ROUTEDB_CONFIG": "shop.toml", "PW": "x"}
    assert loaded(environ=environ, files={"shop.toml": SHOP}).default == "main"
    config = loaded(environ={"ROUTEDB_CONFIG": "postgresql://h/d"})
    assert config.nodes[0].name == "h:5432/d"


def test_a_path_object_is_a_file():
    assert loaded(Path("shop.toml"), files={"shop.toml": SHOP}).source == "shop.toml"


def test_our_keywords_win_over_the_file_and_others_go_to_the_driver():
    config = shop(reads="writer", application_name="x")
    assert {d.reads for d in config.databases.values()} == {"writer"}
    assert all(n.options["application_name"] == "x" for n in config.nodes)


def test_one_database_is_its_own_default_and_of_several_none_is():
    one = {"databases": {"a": {"nodes": ["sqlite://"]}}}
    assert loaded(one).default == "a"
    two = {"databases": {**one["databases"], "b": {"nodes": ["sqlite://"]}}}
    assert loaded(two).default is None


BASE = {
    "default": "main",
    "databases": {
        "main": {"nodes": ["sqlite:///m.db"]},
        "orders": {"shards": ["sqlite:///0.db", "sqlite:///1.db"]},
    },
    "tables": {
        "orders": {"database": "orders", "shard_key": "id"},
        "crm_*": "main",
    },
}


@pytest.mark.parametrize(
    ("where", "value", "fragments"),
    [
        ("defualt", "main", ["defualt is not a known key", "'default'"]),
        ("default", "mian", ["default: no database 'mian'", "main, orders"]),
        ("dialect", "oracle", ["dialect: 'oracle'", "postgresql, mysql, sqlite"]),
        ("hints", "no", ["hints: Expected `bool`", "'no'"]),
        ("databases", {}, ["databases: has no database"]),
        ("databases.main.reads", "replca", ["databases.main.reads", "'replica'"]),
        ("databases.main.reads", 3, ["databases.main.reads", "found 3"]),
        ("databases.main.max_lag", "ten", ["databases.main.max_lag", "'ten'", '"10s"']),
        ("databases.main.max_lag", 0, ["databases.main.max_lag"]),
        ("databases.main.read_only", "yes", ["databases.main.read_only"]),
        ("databases.main.nods", [], ["databases.main.nods", "'nodes'"]),
        ("databases.main.nodes", [], ["databases.main.nodes: has no node"]),
        ("databases.main.shards", [["fake://x"]], ["databases.main", "either nodes"]),
        (
            "databases.main.nodes",
            ["fake://x", {"dsn": "fake://y", "wieght": 1}],
            ["databases.main.nodes[1].wieght", "'weight'"],
        ),
        (
            "databases.main.nodes",
            [{"dsn": "fake://y", "weight": 0}],
            ["databases.main.nodes[0].weight", "above 0"],
        ),
        (
            "databases.main.nodes",
            ["fake://x", "sqlite://"],
            ["databases.main: mixes engines: fake, sqlite"],
        ),
        (
            "databases.main.nodes",
            [{"dsn": "fake://x", "name": "n"}, {"dsn": "fake://y", "name": "n"}],
            ["nodes[1].name", "'n'", "databases.main.nodes[0]"],
        ),
        ("tables.crm_1", "main", ['tables."crm_1"', "can never match", "'crm_*'"]),
        (
            "tables.CRM_*",
            {"database": "orders", "reference": True},
            ['tables."CRM_*"', "two homes", "main by 'crm_*'"],
        ),
        ("tables.x", "nowhere", ['tables."x".database', "'nowhere'"]),
        ("tables.", "main", ['tables.""', "no table name"]),
        ("tables.a.b.c", "main", ['tables."a.b.c"', "no table name"]),
        ("tables.x", {"databse": "main"}, ['tables."x".databse', "'database'"]),
        (
            "tables.x",
            {"database": "main", "shard_key": "id"},
            ['tables."x".shard_key', "not sharded"],
        ),
        (
            "tables.x",
            {"database": "main", "reference": True},
            ['tables."x".reference', "not sharded"],
        ),
        ("tables.x", "orders", ['tables."x"', "shard_key", "reference"]),
        (
            "tables.x",
            {"database": "orders", "shard_key": "id", "function": "hsh"},
            ['tables."x".function', "hash, modulo, range, list"],
        ),
        (
            "tables.x",
            {"database": "orders", "shard_key": "id", "function": "range"},
            ['tables."x".bounds', "missing"],
        ),
        (
            "tables.x",
            {"database": "orders", "shard_key": "id", "bounds": [1, 2]},
            ['tables."x".bounds', "2 shards", "found 2"],
        ),
        (
            "tables.x",
            {"database": "orders", "shard_key": "id", "values": [[1], [1]]},
            ['tables."x".values', "1 stands there twice"],
        ),
        (
            "tables.x",
            {"database": "orders", "shard_key": "id", "values": [[1], ["a"]]},
            ['tables."x".values', "mixes types: int, str"],
        ),
        (
            "tables.x",
            {"database": "orders", "shard_key": "id", "key_type": "int"},
            ['tables."x".key_type', "integer"],
        ),
        ("functions", {"f": "maybe"}, ["functions.f", "read, write"]),
    ],
)
def test_a_wrong_value_is_named_by_file_path_and_what_is_allowed(
    where, value, fragments
):
    content = copy.deepcopy(BASE)
    head, _, rest = where.partition(".")
    if head == "tables":
        content["tables"][rest] = value
    elif rest:
        name, _, key = rest.partition(".")
        content[head][name][key] = value
    else:
        content[head] = value
    with pytest.raises(errors.ConfigError) as caught:
        loaded(content)
    text = str(caught.value)
    assert text.startswith("mapping: ")
    assert [f for f in fragments if f not in text] == []


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("x = [", ["bad.toml", "TOML"]),
        ("default = '${NOPE}'", ["bad.toml", "default", "'NOPE'"]),
    ],
)
def test_a_file_that_cannot_be_understood_is_named(text, fragments):
    with pytest.raises(errors.ConfigError) as caught:
        loaded("bad.toml", environ={}, files={"bad.toml": text})
    assert [f for f in fragments if f not in str(caught.value)] == []


def test_a_file_that_is_not_there_is_named():
    def read(path):
        raise FileNotFoundError(2, "No such file or directory", path)

    with pytest.raises(
        errors.ConfigError, match=r"gone\.toml: cannot be read: No such"
    ):
        load("gone.toml", {}, environ={}, read_file=read)


@pytest.mark.parametrize(
    "source", [3, [], [3], object(), ["x y"], {}, {"databases": 1}]
)
def test_whatever_is_given_only_a_config_error_comes_of_it(source):
    with pytest.raises(errors.ConfigError):
        loaded(source)
