"""What statements over several groups may take, and what is told of it afterwards."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing

import pytest

import routedb
from routedb.merge.measures import estimate
from routedb.topology.snapshot import Role
from tests.frontends.merged_world import lite_world, mysql_world, postgresql_world

SCATTER = "SELECT id, owner, name FROM items"
JOIN = "SELECT i.id, l.src FROM items i JOIN leads l ON l.owner = i.owner"
SERVERS = [
    pytest.param(name, marks=pytest.mark.live) for name in ("postgresql", "mariadb")
]


@pytest.fixture
def lite(tmp_path):
    with ExitStack() as stack:
        yield lite_world(tmp_path, stack)


@pytest.fixture(params=["sqlite", *SERVERS])
def world(request, tmp_path):
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield lite_world(tmp_path, stack)
        elif request.param == "postgresql":
            yield postgresql_world(request.getfixturevalue("postgresql"), stack)
        else:
            yield mysql_world(request.getfixturevalue("mariadb"), stack)


@pytest.mark.parametrize(
    ("sql", "params", "databases", "rows"),
    [
        (SCATTER, None, ["shop", "shop"], 12),
        (f"{SCATTER} WHERE price < %s", (4,), ["shop", "shop"], 4),
        ("SELECT count(*) FROM items", None, ["shop", "shop"], 2),
        ("SELECT id FROM items ORDER BY id LIMIT 3", None, ["shop", "shop"], 6),
        (JOIN, None, ["shop", "shop", "crm"], 16),
        ("SELECT src FROM leads", None, [], 0),
        ("SELECT name FROM items WHERE owner = 1", None, [], 0),
    ],
)
def test_the_route_has_what_each_group_did(world, sql, params, databases, rows):
    cursor = world.routed.cursor()
    cursor.execute(sql, params)
    runs = cursor.route.fragments
    assert [run.database for run in runs] == databases
    assert sum(run.rows for run in runs) == rows
    assert [run.group for run in runs] == [0, 1, 0][: len(runs)]
    for run in runs:
        assert run.role is Role.WRITER
        assert run.node in {node.name for node in world.routed.nodes}
        assert run.sql.upper().startswith("SELECT")
        assert (run.bytes > 0, run.seconds > 0) == (True, True)
        assert "4" not in run.sql or params is None  # the value is not in the text


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        ([], 0),
        ([(1, None)], 8),
        ([("abc", b"de")], 5),
        ([{"a": "abcd", "b": 2.5}], 12),
        ([(["ab", "cd"],)], 4),
        ([(memoryview(b"abc"),)], 3),
        ([("x" * 10,)] * 1000, 10_000),
        ([("x",), ("xxx",)] * 500, 2000),
    ],
)
def test_the_size_is_estimated(rows, size):
    assert estimate(rows) == pytest.approx(size, rel=0.5)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_rows": 11}, "12 rows have come, and merge has max_rows = 11"),
        ({"max_rows": 3}, "merge has max_rows = 3 (conn.using())"),
        ({"max_bytes": 20}, 'merge has max_bytes = "20B"'),
        ({"max_bytes": "0.1kB"}, 'merge has max_bytes = "102B"'),
    ],
)
def test_too_much_is_refused_and_the_connection_goes_on(world, limits, said):
    cursor = world.routed.cursor()
    with world.routed.using(merge=limits), pytest.raises(routedb.ShardError) as caught:
        cursor.execute(SCATTER)
    assert said in str(caught.value)
    assert "docs/spark.rst" in str(caught.value)
    cursor.execute(SCATTER)
    assert len(cursor.fetchall()) == 12


@pytest.mark.parametrize(
    "limits",
    [
        {"max_rows": 12},
        {"max_rows": "off", "max_bytes": "off", "timeout": "off"},
        {"max_bytes": "1MB"},
        {"max_bytes": "2 kb"},
        {"timeout": "1m"},
        {"timeout": 60},
        {},
    ],
)
def test_enough_is_enough(lite, limits):
    cursor = lite.routed.cursor()
    with lite.routed.using(merge={"max_rows": 1}), lite.routed.using(merge=limits):
        if "max_rows" in limits:
            cursor.execute(SCATTER)
            assert len(cursor.fetchall()) == 12
        else:
            with pytest.raises(routedb.ShardError, match="max_rows = 1 "):
                cursor.execute(SCATTER)
    assert lite.routed.session.merge_limits == {}


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_rows": -1}, "merge.max_rows: expected a whole number from 1"),
        ({"max_bytes": "1 apple"}, "merge.max_bytes: expected a size"),
        ({"timeout": 0}, "merge.timeout: expected a duration"),
        ({"rows": 1}, "merge.rows: no such key; allowed are max_bytes"),
        ({"work_node": "nobody"}, "merge.work_node: nodes are "),
        (5, "merge: expected a table"),
    ],
)
def test_what_is_no_limit_is_a_hint_error(lite, limits, said):
    using = lite.routed.using(merge=limits)
    with pytest.raises(routedb.HintError, match=said), using:
        pytest.fail("it was taken")


@pytest.mark.parametrize("name", SERVERS)
def test_a_statement_that_takes_too_long_is_cancelled(name, request):
    servers = request.getfixturevalue(name)
    make = postgresql_world if name == "postgresql" else mysql_world
    crossed = ", ".join(f"leads l{number}" for number in range(12))
    slow = f"SELECT count(*) FROM items i, {crossed}"
    with ExitStack() as stack:
        world = make(servers, stack)
        cursor = world.routed.cursor()
        began = time.monotonic()
        with (
            world.routed.using(merge={"timeout": "200ms"}),
            pytest.raises(routedb.OperationalError, match=r"0.2 s \(conn.using"),
        ):
            cursor.execute(slow)
        assert time.monotonic() - began < 20
        cursor.execute(SCATTER)
        assert len(cursor.fetchall()) == 12


@pytest.mark.parametrize("where", [0, 1, 2])
def test_the_work_node_works_out_the_rest(postgresql, where):
    with ExitStack() as stack:
        world = postgresql_world(postgresql, stack)
        names = [node.name for node in world.routed.session.core.config.nodes]
        cursor = world.routed.cursor()
        with world.routed.using(merge={"work_node": names[where]}):
            cursor.execute(JOIN)
        assert len(cursor.fetchall()) == 5
        assert cursor.node.name == names[where]


def test_the_configuration_limits_and_turns_off(tmp_path):
    with ExitStack() as stack:
        lite_world(tmp_path, stack)
        nodes = [[f"sqlite:///{tmp_path}/merged{number}.db"] for number in range(2)]
        rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
        shop = {"shards": nodes, "merge": {"max_rows": 5}}
        source = {"databases": {"shop": shop}, "tables": {"items": rule}}
        connection = stack.enter_context(closing(routedb.connect(source)))
        connection.autocommit = True
        with pytest.raises(
            routedb.ShardError, match=r"max_rows = 5 \(\[databases.shop\]\)"
        ):
            connection.cursor().execute(SCATTER)
        off = stack.enter_context(
            closing(routedb.connect({**source, "joins": "refuse"}))
        )
        off.autocommit = True
        with pytest.raises(routedb.ShardError) as caught:
            off.cursor().execute("SELECT count(*) FROM items")
        assert "merged" not in str(caught.value)
