"""`routedb explain` of statements over several groups, in each of its forms."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from routedb.cli.demo.shop import Shop
from routedb.cli.plan_formats import picture
from routedb.engine.route.plan_tree import Step

JOIN = (
    "SELECT c.name, p.phone FROM customers c JOIN crm_contacts p "
    "ON p.customer_id = c.id WHERE c.name <> '<b>&' ORDER BY c.name"
)
COUNT = "SELECT count(*) FROM orders"
LISTED = "SELECT id FROM orders ORDER BY id LIMIT 2"
GROUPED = "SELECT country, count(*) FROM orders GROUP BY country"
KEYED = "SELECT max(cents) FROM orders WHERE customer_id IN (%s, %s)"
TREE = """\
one row of each group, made one
merge: combine
why: counts, sums, least and greatest of parts are parts of the whole
columns: count
└── fragment 0: orders
    sql: SELECT count(*) FROM orders
    groups: orders[0], orders[1], orders[2], orders[3]
    role: writer
    nodes: orders-0
    nodes: orders-1
    nodes: orders-2
    nodes: orders-3
    why there: its rows are on every group
    pushed down: all of it
"""


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    made.build()
    return made.config


def plan_of(result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["plan"]


def fragments(step: dict) -> list[dict]:
    own = [step] if "fragment" in step else []
    return own + [found for each in step["steps"] for found in fragments(each)]


def test_the_tree_as_text(shell, shop):
    result = shell("explain", shop, COUNT)
    assert result.exit_code == 0, result.output
    head, _, tree = result.stdout.partition("one row of each")
    assert "one row of each" + tree == TREE
    assert "route     orders[0,1,2,3] writer" in head


@pytest.mark.parametrize(
    ("sql", "merge", "places"),
    [
        (COUNT, "combine", ["orders[0], orders[1], orders[2], orders[3]"]),
        (LISTED, "stream", ["orders[0], orders[1], orders[2], orders[3]"]),
        (GROUPED, "work", ["orders[0], orders[1], orders[2], orders[3]"]),
        (JOIN, "work", ["main", "crm"]),
        (
            "SELECT max(cents) FROM orders WHERE customer_id IN (1, 2)",
            "combine",
            ["orders[1], orders[2]"],
        ),
        (
            "SELECT o.id FROM old_orders o JOIN products p ON p.id = o.id",
            "work",
            ["archive", "main"],
        ),
        ("SELECT id FROM old_orders UNION SELECT id FROM orders", "work", None),
        (
            "SELECT name FROM customers WHERE id IN "
            "(SELECT customer_id FROM crm_contacts)",
            "work",
            ["main", "crm"],
        ),
    ],
)
def test_the_plan_as_json(shell, shop, sql, merge, places):
    plan = plan_of(shell("explain", shop, sql, "--format", "json"))
    found = fragments(plan)
    assert plan["merge"] == merge
    assert plan["why"]
    assert places is None or [each["groups"] for each in found] == places
    assert all(each["sql"].upper().startswith("SELECT") for each in found)
    assert not any("rows" in each for each in [plan, *found])


@pytest.mark.parametrize(
    ("sql", "rows", "moved"),
    [(COUNT, 1, [4]), (LISTED, 0, [0]), (GROUPED, 0, [0]), (JOIN, 2, [3, 2])],
)
def test_analyze_runs_it(shell, shop, sql, rows, moved):
    words = ("explain", shop, sql, "--analyze", "--format", "json")
    plan = plan_of(shell(*words))
    assert plan["rows"] == rows
    assert plan["seconds"] > 0
    for fragment, expected in zip(fragments(plan), moved, strict=True):
        runs = fragment["steps"]
        assert sum(run["rows"] for run in runs) == expected
        assert all(run["seconds"] > 0 for run in runs)
    text = shell("explain", shop, sql, "--analyze").stdout
    assert re.search(r"seconds: \d+\.\d\d ms", text)


@pytest.mark.parametrize("form", ["svg", "html"])
@pytest.mark.parametrize("sql", [COUNT, LISTED, GROUPED, JOIN])
def test_a_picture_is_one_file_with_escaped_text(shell, shop, sql, form):
    result = shell("explain", shop, sql, "--format", form)
    assert result.exit_code == 0, result.output
    text = result.stdout
    found = re.search(r"<svg.*</svg>", text, re.DOTALL)
    assert found is not None
    tree = ElementTree.fromstring(found[0])
    said = " ".join(" ".join(tree.itertext()).split())
    assert " ".join(sql.split())[:30] in said
    assert "<b>" not in text
    assert not re.search(r"(?:src|href)=", text)


def test_the_picture_of_a_tree():
    leaf = Step("fragment 0: a", (("fragment", 0), ("sql", "x < '&'"), ("rows", 3)))
    drawn = picture(Step("top", (("why", "w" * 100), ("n", ("a", "b"))), (leaf,)), "t")
    tree = ElementTree.fromstring(drawn)
    names = [element.tag.rpartition("}")[2] for element in tree.iter()]
    assert (names.count("rect"), names.count("path")) == (2, 1)
    texts = ["".join(each.itertext()) for each in tree.iter() if "text" in each.tag]
    assert texts[1:3] == [f"why: {'w' * 72}", "w" * 28]
    assert texts[3:] == ["n: a", "n: b", "fragment 0: a", "sql: x < '&'", "rows: 3"]


@pytest.mark.parametrize("form", ["json", "svg", "html"])
def test_a_statement_of_one_group_has_a_plan_too(shell, shop, form):
    sql = "SELECT id FROM orders WHERE customer_id = 5"
    result = shell("explain", shop, sql, "--format", form)
    assert result.exit_code == 0
    assert "one statement on orders[1] writer" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["DELETE FROM customers", "--analyze"], "is not certainly a read"),
        (["DELETE FROM orders LIMIT 1"], "nothing says which shard"),
        ([KEYED], "2 placeholders"),
        (["SELECT * FROM orders o, orders p FOR UPDATE"], "ShardError"),
        (["SELECT count(*) FROM orders, nowhere_at_all"], "Error"),
    ],
)
def test_what_is_refused(shell, shop, words, said):
    result = shell("explain", shop, *words)
    assert result.exit_code == 1
    assert said in result.stderr


def test_parameters_say_which_groups(shell, shop):
    words = ("explain", shop, KEYED, "-p", "1", "-p", "2", "--format", "json")
    (fragment,) = fragments(plan_of(shell(*words)))
    assert fragment["groups"] == "orders[1], orders[2]"
    assert "%s" in fragment["sql"]
