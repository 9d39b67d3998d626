"""Everything `connect` takes becomes the same typed values."""

from __future__ import annotations

from pathlib import Path

import pytest

from routedb import errors
from routedb.config import ShardFunction, load
from tests.unit.config.reading import SHOP, loaded, one, shop


def test_a_file_describes_a_cluster():
    config = shop()
    assert (config.default, config.source, config.hints) == ("main", "shop.toml", True)
    dialects = {name: d.dialect for name, d in config.databases.items()}
    assert dialects == {"main": "postgresql", "crm": "mysql", "orders": "postgresql"}
    assert config.functions == {"my_lookup": "read"}


def test_nodes_and_groups_are_numbered_over_the_cluster():
    config = shop()
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


def test_options_have_their_values():
    main, crm, orders = shop().databases.values()
    assert (main.consistency, main.max_lag_s) == ("process", 0.5)
    assert (crm.read_only, crm.connect_timeout_s) == (True, 2.0)
    assert (orders.failover_timeout_s, orders.is_sharded) == (120.0, True)
    assert (main.commit_check, orders.commit_check) == (False, True)


@pytest.mark.parametrize(
    ("options", "lag", "must_know"),
    [
        ({}, 10.0, False),
        ({"max_lag": "10s"}, 10.0, True),
        ({"max_lag": "off"}, None, False),
    ],
)
def test_a_replica_has_to_prove_a_lag_that_was_asked_for(options, lag, must_know):
    main = loaded(one(["sqlite://"], **options)).databases["main"]
    assert (main.max_lag_s, main.must_know_lag) == (lag, must_know)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("1.5 s", 1.5),
        ("2m", 120),
        ("1h", 3600),
        (3, 3.0),
        (0.25, 0.25),
        ("366h", 366 * 3600),
    ],
)
def test_a_duration_has_a_unit_or_is_in_seconds(written, seconds):
    main = loaded(one(["sqlite://"], retry_after=written)).databases["main"]
    assert main.retry_after_s == seconds


def test_rules_are_split_and_folded():
    config = shop()
    assert [(r.schema, r.name, r.shard_key) for r in config.tables] == [
        (None, "crm_*", None),
        (None, "orders", "customer_id"),
        ("sales", "items", "id"),
        (None, "countries", None),
    ]
    assert config.tables[2].function == ShardFunction("range", bounds=(9,))


@pytest.mark.parametrize(
    ("source", "keywords", "names"),
    [
        ("postgresql://h/d", {}, ["h:5432/d"]),
        ("host=h dbname='d e' port=6000", {}, ["h:6000/d e"]),
        (None, {"host": "h", "dbname": "d"}, ["h:5432/d"]),
        (None, {"host": "h", "port": 6000, "database": "d"}, ["h:6000/d"]),
        (["sqlite:///a.db", "sqlite:///a.db?mode=ro"], {}, ["a.db", "a.db #2"]),
        ([{"dsn": "sqlite:///a.db", "name": "one"}], {}, ["one"]),
        (("fake://a", "fake://b"), {"hints": False}, ["a", "b"]),
        (["host=a", "postgresql://b"], {"reads": "writer"}, ["a:5432", "b:5432"]),
    ],
)
def test_other_sources_are_one_database_called_main(source, keywords, names):
    config = loaded(source, **keywords)
    assert (list(config.databases), config.default) == (["main"], "main")
    assert [node.name for node in config.nodes] == names


def test_libpq_keywords_reach_the_driver_as_they_are():
    config = loaded(None, host="h", sslmode="verify-full", options="-c work_mem=1MB")
    [node] = config.nodes
    assert (node.dsn, node.options) == (
        "",
        {"host": "h", "sslmode": "verify-full", "options": "-c work_mem=1MB"},
    )


def test_the_environment_of_libpq_names_a_node_without_a_host():
    environ = {"PGHOST": "h", "PGPORT": "6000", "PGDATABASE": "d"}
    assert loaded("user=app", environ).nodes[0].name == "h:6000/d"


@pytest.mark.parametrize(
    ("value", "source", "node"),
    [
        ("shop.toml", "ROUTEDB_CONFIG=shop.toml", "db1:5432/shop"),
        ("postgresql://h/d", "ROUTEDB_CONFIG", "h:5432/d"),
        ("host=h dbname=d", "ROUTEDB_CONFIG", "h:5432/d"),
    ],
)
def test_the_environment_names_a_file_or_a_dsn(value, source, node):
    environ = {"ROUTEDB_CONFIG": value, "PW": "x"}
    config = loaded(environ=environ, files={"shop.toml": SHOP})
    assert (config.source, config.nodes[0].name) == (source, node)


def test_keywords_that_name_no_server_add_to_the_environment():
    environ = {"ROUTEDB_CONFIG": "mysql://old1"}
    [node] = loaded(environ=environ, db="crm").nodes
    assert (node.engine, node.options["db"], node.name) == (
        "mysql",
        "crm",
        "old1:3306/crm",
    )
    [node] = loaded(environ=environ, host="h").nodes
    assert (node.engine, node.name) == ("postgresql", "h:5432")


@pytest.mark.parametrize("path", [Path("shop.toml"), "shop.toml"])
def test_a_path_is_a_file(path):
    assert loaded(path, files={"shop.toml": SHOP}).source == "shop.toml"


def test_our_keywords_win_over_the_file_and_others_go_to_the_driver():
    config = shop(reads="writer", application_name="x")
    assert {d.reads for d in config.databases.values()} == {"writer"}
    assert all(n.options["application_name"] == "x" for n in config.nodes)


def test_options_of_a_database_reach_its_driver():
    content = one(["mysql://h/d?charset=latin1"], options={"charset": "utf8mb4"})
    assert loaded(content).nodes[0].options["charset"] == "utf8mb4"
    assert loaded(content, charset="binary").nodes[0].options["charset"] == "binary"


def test_one_database_is_its_own_default_and_of_several_none_is():
    content = {"databases": {"a": {"nodes": ["sqlite://"]}}}
    assert loaded(content).default == "a"
    content["databases"]["b"] = {"nodes": ["sqlite://"]}
    assert loaded(content).default is None


def test_equal_sources_are_equal_configurations():
    assert shop() == shop()
    assert shop() != shop(reads="writer")


@pytest.mark.parametrize(
    ("source", "fragment"),
    [
        (None, "nothing says where to connect; give a DSN, a list of DSNs"),
        (3, "expected a DSN, a list of DSNs"),
        ([], "found an empty list"),
        ([3], "list of DSNs: [0]: expected a string or a table; found 3"),
        (object(), "found object"),
        (["x y"], "list of DSNs: [0]: expected a URL"),
        ({}, "mapping: databases: is missing"),
        ({"databases": 1}, "mapping: databases: expected a table; found 1"),
        ({"databases": {"a": 1}}, "mapping: databases.a: expected a table; found 1"),
        ({1: 2}, "mapping: the top level: the key 1 is no string"),
        ("a\0b", "DSN: a DSN holds no NUL byte"),
    ],
)
def test_whatever_else_is_given_the_error_says_what_is_allowed(source, fragment):
    with pytest.raises(errors.ConfigError) as caught:
        loaded(source, environ={})
    assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("raised", "fragment"),
    [
        (FileNotFoundError(2, "No such file"), "gone.toml: cannot be read: No such"),
        (
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
            "gone.toml: cannot be read: not UTF",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(raised, fragment):
    def read(path):
        raise raised

    with pytest.raises(errors.ConfigError) as caught:
        load("gone.toml", {}, environ={}, read_file=read)
    assert str(caught.value).startswith(fragment)


def test_a_file_that_is_no_toml_is_named_with_the_line():
    with pytest.raises(errors.ConfigError, match=r"bad\.toml: no valid TOML.*line 2"):
        loaded("bad.toml", files={"bad.toml": "a = 1\nx = y"})


@pytest.mark.parametrize(
    ("dsn", "names", "options"),
    [
        ("postgresql://db1,db2/shop", ["db1:5432/shop", "db2:5432/shop"], {}),
        ("postgresql://db1:1,db2:2/shop", ["db1:1/shop", "db2:2/shop"], {}),
        ("host=a,b,c port=7 dbname=d", ["a:7/d", "b:7/d", "c:7/d"], {}),
        ("host=a,b port=1,2 dbname=d", ["a:1/d", "b:2/d"], {}),
        ("dbname=d", ["a:1/d", "b:2/d"], {"host": "a,b", "port": "1,2"}),
        ("postgresql:///d?host=a,b&port=3", ["a:3/d", "b:3/d"], {}),
        ("hostaddr=10.0.0.1,10.0.0.2 dbname=d", None, {}),
        ("host=a,b target_session_attrs=read-write", ["a:5432", "b:5432"], {}),
        ("host=a target_session_attrs=read-write", ["a:5432"], {}),
        (
            "postgresql://h1:1,h2:2/db?target_session_attrs=any&load_balance_hosts=r",
            ["h1:1/db", "h2:2/db"],
            {},
        ),
    ],
)
def test_each_of_several_hosts_is_a_node(dsn, names, options):
    nodes = load(dsn, options, environ={}, read_file=str).nodes
    if names is not None:
        assert [node.name for node in nodes] == names
    for node in nodes:
        if len(nodes) > 1:
            assert not any("," in str(value) for value in node.options.values())
            assert node.options.get("target_session_attrs", "any") == "any"
    assert [node.id for node in nodes] == list(range(len(nodes)))


@pytest.mark.parametrize("dsn", ["dbname=d", "postgresql:///d", "host='' dbname=d"])
@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"PGHOST": "a,b"}, ["a:5432/d", "b:5432/d"]),
        ({"PGHOST": "a,b", "PGPORT": "1,2"}, ["a:1/d", "b:2/d"]),
        ({"PGHOST": "a,b", "PGPORT": "7"}, ["a:7/d", "b:7/d"]),
        ({"PGHOSTADDR": "10.0.0.1,10.0.0.2"}, ["10.0.0.1:5432/d", "10.0.0.2:5432/d"]),
        ({"PGHOST": "a,b", "PGHOSTADDR": "::1,::2"}, ["a:5432/d", "b:5432/d"]),
        ({"PGHOST": "a", "PGPORT": "7"}, ["a:7/d"]),
        ({"PGHOST": "a,b", "PGSERVICE": "s"}, ["a:5432,b:5432/d"]),
    ],
)
def test_each_of_several_hosts_in_the_environment_is_a_node(dsn, environ, names):
    nodes = load(dsn, {}, environ=environ, read_file=str).nodes
    assert [node.name for node in nodes] == names
    if len(nodes) > 1:
        hosts = [(n.options.get("host"), n.options.get("hostaddr")) for n in nodes]
        assert len(set(hosts)) == 2


def test_a_host_that_is_said_is_not_that_of_the_environment():
    environ = {"PGHOST": "a,b", "PGPORT": "1,2"}
    [node] = load("host=c port=3 dbname=d", {}, environ=environ, read_file=str).nodes
    assert node.name == "c:3/d"
    with pytest.raises(errors.ConfigError, match="as many ports"):
        load("host=c", {}, environ={"PGHOSTADDR": "::1,::2"}, read_file=str)


@pytest.mark.parametrize(
    "dsn", ["host=a,b,c port=1,2", "host=a,b hostaddr=10.0.0.1", "host=a,b port=1,2,3"]
)
def test_hosts_and_ports_that_do_not_match_are_refused(dsn):
    with pytest.raises(errors.ConfigError, match="as many ports"):
        load(dsn, {}, environ={}, read_file=str)


def test_a_name_is_for_one_host():
    nodes = [{"dsn": "postgresql://a,b/d", "name": "x"}]
    with pytest.raises(errors.ConfigError, match="a name is for one"):
        load({"databases": {"main": {"nodes": nodes}}}, {}, environ={}, read_file=str)
