"""A wrong value is named by file and key, with what was found and what is allowed."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from routedb import errors
from tests.unit.config.reading import loaded, one, shop

BASE = {
    "default": "main",
    "databases": {
        "main": {"nodes": ["sqlite:///m.db"]},
        "orders": {"shards": ["sqlite:///0.db", "sqlite:///1.db"]},
    },
    "tables": {},
}


def refusal(source, **given):
    """Return the text of the error, which begins with the source's name."""
    with pytest.raises(errors.ConfigError) as caught:
        loaded(source, **given)
    return str(caught.value)


def changed(path, value):
    """Return the base with a value put at this path of keys."""
    content: Any = copy.deepcopy(BASE)
    *above, last = path
    table = content
    for key in above:
        table = table[key]
    table[last] = value
    return content


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        (
            "defualt",
            "main",
            "defualt: no such key; allowed are databases, default, state, dialect, "
            "hints, shadow, max_shapes, joins, foreign_keys, transactions, "
            "atomic_reads, name, decision_retention, id_node, token_key, tables, "
            "references, functions; did you mean 'default'?",
        ),
        ("reads", "writer", "option of a database: write it under [databases.NAME]"),
        ("default", "mian", "default: databases are main, orders; did you mean 'main'"),
        ("default", "mian", "found 'mian'"),
        ("default", 3, "default: expected a string; found 3"),
        ("dialect", "oracle", "dialect: allowed are mysql, postgresql, sqlite; found"),
        ("hints", "no", """hints: expected true, false or "using-only"; found 'no'"""),
        ("max_shapes", 0, "max_shapes: expected 1 or more; found 0"),
        ("transactions", "both", "transactions: allowed are two-phase, single; found"),
        ("name", "my shop", "name: expected up to 16 letters, digits and underscores"),
        ("decision_retention", "1w", "decision_retention: expected a duration"),
        ("hints", "using", """hints: expected true, false or "using-only"; found 'u"""),
        ("shadow", 1, "shadow: expected true or false; found 1"),
        ("databases", {}, "databases: is empty; add [databases.main]"),
        ("databases", {"main": {}}, "databases.main: has either nodes = […] or shards"),
        ("databases", {"a b": 1}, 'databases."a b": expected a table; found 1'),
        ("tables", [], "tables: expected a table; found []"),
        ("functions", {"f": "maybe"}, "functions.f: allowed are read, write, session"),
        ("functions", {"f": 1}, "functions.f: allowed are read, write, session; f"),
    ],
)
def test_a_wrong_value_at_the_top(key, value, text):
    assert text in refusal(changed((key,), value))


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("nods", [], "nods: no such key; allowed are nodes, shards, reads"),
        ("nods", [], "did you mean 'nodes'?"),
        ("reads", "replca", "reads: allowed are replica, writer; did you mean 'rep"),
        ("reads", 3, "reads: expected a string; found 3"),
        ("consistency", "causal", "allowed are session, process, eventual, strong"),
        ("transaction_reads", "any", "allowed are writer, replica; found 'any'"),
        ("read_only", "yes", "read_only: expected true or false; found 'yes'"),
        ("max_lag", "ten", 'max_lag: expected a duration above 0 and up to a year: "'),
        ("max_lag", "ten", "\"off\" for no limit; found 'ten'"),
        ("connect_timeout", "10", "connect_timeout: expected a duration above 0"),
        ("connect_timeout", "off", "found 'off'"),
        ("failover_timeout", 0, "failover_timeout: expected a duration above 0"),
        ("failover_timeout", "0s", "found '0s'"),
        ("failover_timeout", -1, "found -1"),
        ("failover_timeout", float("nan"), "found nan"),
        ("retry_after", "9999h", "up to a year"),
        ("retry_after", "1 day", "found '1 day'"),
        ("retry_after", True, "retry_after: expected a number or a string"),
        ("commit_check", 1, "commit_check: expected true or false; found 1"),
        ("commit_check", True, "commit_check: PostgreSQL alone can be asked"),
        ("commit_check", True, "database main is on sqlite"),
        ("options", 1, "options: expected a table; found 1"),
        ("keepalive", "100ms", "keepalive: the system counts it in seconds, from 1"),
        ("keepalive", "24h", "found '24h'"),
        ("keepalive", "no", "\"off\" for no limit; found 'no'"),
        ("max_age", 0, "max_age: expected a duration above 0"),
        ("pool", "yes", 'pool: expected "on", "off" or a table; found \'yes\''),
        ("pool", 5, "pool: expected a string or a table; found 5"),
        ("pool", {"size": 5}, "pool.size: no such key; allowed are min, max, max_idle"),
        ("pool", {"max": 0}, "pool.max: expected a whole number from 1 on; found 0"),
        ("pool", {"min": -1}, "pool.min: expected a whole number from 0 on; found -1"),
        ("pool", {"max": True}, "pool.max: expected a whole number; found true"),
        ("pool", {"min": 3, "max": 2}, "pool.min: above max, which is 2; found 3"),
        ("pool", {"max_idle": "0s"}, "pool.max_idle: expected a duration above 0"),
        ("pool", {"wait_timeout": "off"}, "pool.wait_timeout: expected a duration"),
        ("merge", "on", "merge: expected a table; found 'on'"),
        ("merge", {"bytes": 5}, "merge.bytes: no such key; allowed are max_bytes,"),
        ("merge", {"max_bytes": "5 apples"}, 'a size of a byte or more: "64kB"'),
        ("merge", {"max_bytes": 0}, "merge.max_bytes: expected a size of a byte"),
        ("merge", {"max_rows": 0}, "merge.max_rows: expected a whole number from 1"),
        ("merge", {"timeout": "soon"}, "merge.timeout: expected a duration above 0"),
        ("merge", {"work_node": ""}, "merge.work_node: expected the name of a node"),
        ("merge", {"work_node": "x"}, "merge.work_node: nodes are "),
        ("nodes", [], "nodes: is empty; a group has at least one node"),
        ("nodes", "fake://x", "nodes: expected a list; found 'fake://x'"),
        ("nodes", ["fake://x", 3], "nodes[1]: expected a string or a table; found 3"),
        ("nodes", ["fake://x", "sqlite://"], "one engine; found fake and sqlite"),
        ("nodes", ["fake://"], "nodes[0]: the scripted fake has a name"),
        ("nodes", [{"dsn": "fake://"}], "nodes[0].dsn: the scripted fake has a name"),
        ("nodes", [{"weight": 1}], "nodes[0].dsn: is missing"),
        ("shards", [["fake://x"]], "main: has either nodes = […] or shards = [[…], […"),
        ("shards", [["fake://x"]], "found both"),
    ],
)
def test_a_wrong_value_of_a_database(key, value, text):
    told = refusal(changed(("databases", "main", key), value))
    assert told.startswith("mapping: databases.main")
    assert text in told


@pytest.mark.parametrize(
    ("pool", "text"),
    [
        ("maybe", 'connect(): pool: expected "on", "off" or a table; found \'maybe\''),
        (5, 'connect(): pool: expected "on", "off" or a table; found 5'),
        ({"mx": 5}, "connect(): pool.mx: no such key; allowed are min, max, max_idle"),
        ({"mx": 5}, "wait_timeout; did you mean 'max'?"),
        (
            {"max": True},
            "connect(): pool.max: expected a whole number from 1 on; found",
        ),
    ],
)
def test_a_wrong_pool_given_as_a_keyword(pool, text):
    assert text in refusal("fake://a", pool=pool)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (
            {"wieght": 1},
            "[0].wieght: no such key; allowed are dsn, weight, name, balanced",
        ),
        ({"weight": 0}, "[0].weight: a weight is a number above 0; found 0"),
        ({"weight": -1.5}, "a weight is a number above 0; found -1.5"),
        ({"weight": float("inf")}, "a weight is a number above 0; found inf"),
        ({"weight": float("nan")}, "a weight is a number above 0; found nan"),
        ({"weight": "2"}, "[0].weight: expected a number; found '2'"),
        ({"name": ""}, "[0].name: a name is a short text without a password"),
        ({"name": "b"}, "[1].name: a name is given once; databases.main.nodes[0] has"),
    ],
)
def test_a_wrong_value_of_a_node(node, text):
    nodes = [{"dsn": "fake://a", **node}, {"dsn": "fake://b", "name": "b"}]
    told = refusal(one(nodes))
    assert told.startswith("mapping: databases.main.nodes[")
    assert text in told


@pytest.mark.parametrize(
    ("shards", "text"),
    [
        ([], "shards: is empty; write one list for each shard"),
        ([["fake://a"], []], "shards[1]: is empty; a group has at least one node"),
        ([["fake://a"], ["fake://"]], "shards[1][0]: the scripted fake has a name"),
        ([["fake://a", {"dsn": "fake://b", "nam": ""}]], "shards[0][1].nam: no such"),
        ([{"dsn": "fake://a", "weight": 0}], "shards[0].weight: a weight is a num"),
        ("fake://a", "shards: expected a list; found 'fake://a'"),
    ],
)
def test_a_wrong_shard(shards, text):
    told = refusal({"databases": {"o": {"shards": shards}}})
    assert told.startswith(f"mapping: databases.o.{text}")


def test_a_wrong_keyword_is_not_blamed_on_the_file():
    with pytest.raises(errors.ConfigError) as caught:
        shop(reads="replca")
    assert str(caught.value).startswith("connect(): reads: allowed are replica")
    told = refusal(["fake://a"], hints="no")
    expected = """connect(): hints: expected true, false or "using-only"; found 'no'"""
    assert told.startswith(expected)


def test_a_file_is_named_before_the_key():
    told = refusal("my.toml", files={"my.toml": "default = 3\n[databases.a]\n"})
    assert told == "my.toml: default: expected a string; found 3"


def test_a_table_written_twice_in_a_file_is_no_toml():
    text = '[databases.a]\nnodes = ["fake://a"]\n[tables]\nt = "a"\nt = "b"\n'
    told = refusal("my.toml", files={"my.toml": text})
    assert told.startswith("my.toml: no valid TOML")
    assert "line 5" in told


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        (["postgresql://a/shop", "postgresql://b/shop2"], {"shop", "shop2"}),
        (["host=a dbname=x", "postgresql://b/x", "host=c dbname=y"], {"x", "y"}),
        (["mysql://a/shop", "mysql://b/Shop"], {"Shop", "shop"}),
        (["mysql://a/shop", "mysql://b/other", "mysql://c/shop"], {"other", "shop"}),
        ([{"dsn": "mysql://a/x", "name": "one"}, "mysql://b/y"], {"x", "y"}),
        # libpq takes the user's name where none is given, and MySQL none at all
        (["postgresql://app@a/shop", "postgresql://app@b"], {"shop", "app"}),
        (["host=a user=app", "host=b user=app dbname=shop"], {"shop", "app"}),
        (["postgresql://app@a", "postgresql://ops@b"], {"app", "ops"}),
        (["postgresql://app@a/shop", "postgresql://b?user=app"], {"shop", "app"}),
        (["postgresql://app@a/shop", "host=b dbname='' user=ops"], {"shop", "ops"}),
        (["mysql://a/shop", "mysql://b"], {"shop", "none"}),
        (["mysql://a", "mysql://b?db=shop"], {"shop", "none"}),
    ],
)
def test_nodes_of_one_group_show_one_database(nodes, found):
    said = refusal({"databases": {"main": {"nodes": nodes}}})
    assert "databases.main.nodes: the nodes of one group hold the same data" in said
    assert set(re.findall(r"([\w]+) \(", said.partition("found ")[2])) == found


def test_what_the_environment_says_counts_where_a_dsn_says_nothing():
    nodes = {"databases": {"main": {"nodes": ["postgresql://a/x", "postgresql://b"]}}}
    assert loaded(nodes, environ={"PGDATABASE": "x", "PGUSER": "u"}).databases
    assert loaded(nodes, environ={"PGSERVICE": "s", "PGUSER": "u"}).databases
    assert "x (a:5432/x) and y" in refusal(nodes, environ={"PGDATABASE": "y"})
    assert "u (b:5432" in refusal(nodes, environ={"PGUSER": "u"})


@pytest.mark.parametrize(
    "entry",
    [
        {"nodes": ["postgresql://a/shop", "host=b dbname=shop"]},
        {"nodes": ["postgresql://a/shop", "host=b"]},  # the process's user
        {"nodes": ["postgresql://shop@a", "postgresql://app@b/shop"]},
        {"nodes": ["postgresql://shop@a/shop", "service=b"]},
        {"nodes": ["mysql://a", "mysql://b"]},
        {"nodes": ["mysql://a/shop", "mysql://b?read_default_file=f"]},
        {"nodes": ["mysql://a", "mysql://b/x"], "options": {"db": "x"}},
        {"nodes": ["sqlite:///a.db", "sqlite:///b.db?mode=ro"]},
        {"shards": ["postgresql://a/s0", "postgresql://a/s1"]},
    ],
)
def test_nodes_that_show_the_same_or_nobody_knows_are_taken(entry):
    assert loaded({"databases": {"main": entry}}).databases["main"].groups
