"""`routedb check --references`: orphans across databases, on SQLite."""

from __future__ import annotations

import json

import pytest

import routedb
from tests.unit.cli.conftest import fill

CONFIG = """
default = "main"

[databases.main]
nodes = ["sqlite:///{folder}/main.db"]

[databases.crm]
nodes = ["sqlite:///{folder}/crm.db"]

[databases.orders]
shards = ["sqlite:///{folder}/o0.db", "sqlite:///{folder}/o1.db"]

[tables]
"crm_*" = "crm"
"orders" = {{ database = "orders", shard_key = "id", function = "modulo" }}

[references]
{references}
"""
ORDERS = """'orders.customer_id' = 'crm_customers.id'"""
PAIRS = """'notes(region, number)' = 'crm_regions(region, number)'"""


@pytest.fixture
def folder(sqlite_dir):
    """Orders on two shards, of which some name a customer that the CRM has not."""
    for number in (0, 1):
        path = sqlite_dir / f"o{number}.db"
        fill(path, "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER)")
    fill(sqlite_dir / "o0.db", "INSERT INTO orders VALUES (2, 7), (4, 8), (6, NULL)")
    fill(sqlite_dir / "o1.db", "INSERT INTO orders VALUES (1, 7), (3, 9), (5, 9)")
    crm = sqlite_dir / "crm.db"
    fill(crm, "CREATE TABLE crm_customers (id INTEGER PRIMARY KEY, name TEXT)")
    fill(crm, "INSERT INTO crm_customers VALUES (7, 'a'), (10, 'b')")
    fill(crm, "CREATE TABLE crm_regions (region TEXT COLLATE NOCASE, number INTEGER)")
    fill(crm, "INSERT INTO crm_regions VALUES ('North', 1), ('South', 1)")
    main = sqlite_dir / "main.db"
    fill(main, "CREATE TABLE notes (region TEXT, number INTEGER)")
    fill(main, "INSERT INTO notes VALUES ('north', 1), ('South', 1), ('North', NULL)")
    return sqlite_dir


def config(folder, references):
    path = folder / "references.toml"
    path.write_text(CONFIG.format(folder=folder, references=references))
    return path


def test_orphans_of_shards_are_found_in_another_database(shell, folder):
    result = shell("check", config(folder, ORDERS), "--references", "--json")
    [found] = json.loads(result.stdout)
    assert result.exit_code == 1
    assert found["reference"] == "orders(customer_id) -> crm_customers(id)"
    assert (found["rows"], found["orphans"]) == (5, 3)
    keys = {each["key"][0]: each["rows"] for each in found["keys"]}
    assert keys == {"8": 1, "9": 2}


def test_they_are_shown_as_a_table(shell, folder):
    result = shell("check", config(folder, ORDERS), "--references")
    assert result.exit_code == 1
    [line] = [line for line in result.stdout.splitlines() if "->" in line]
    assert line.startswith("orders(customer_id) -> crm_customers(id)")
    assert line.split()[3:] in (["5", "3", "2", "8,", "9"], ["5", "3", "2", "9,", "8"])


def test_what_the_parent_finds_equal_is_no_orphan_and_a_null_refers_to_nothing(
    shell, folder
):
    result = shell("check", config(folder, PAIRS), "--references", "--json")
    assert result.exit_code == 0, result.output
    [found] = json.loads(result.stdout)
    assert (found["rows"], found["orphans"]) == (2, 0)
    fill(folder / "main.db", "INSERT INTO notes VALUES ('North', 2), ('South', 1)")
    result = shell("check", config(folder, PAIRS), "--references", "--json")
    assert result.exit_code == 1
    [found] = json.loads(result.stdout)
    assert found["keys"] == [{"key": ["North", "2"], "rows": 1}]


def test_more_keys_than_one_question_holds(shell, folder):
    values = ", ".join(f"({n * 2}, {n})" for n in range(1000, 2300))
    fill(folder / "o0.db", f"INSERT INTO orders VALUES {values}")
    parents = ", ".join(f"({n}, '')" for n in range(1000, 2299))
    fill(folder / "crm.db", f"INSERT INTO crm_customers VALUES {parents}")
    result = shell("check", config(folder, ORDERS), "--references", "--json")
    [found] = json.loads(result.stdout)
    assert {each["key"][0] for each in found["keys"]} == {"8", "9", "2299"}


def test_a_configuration_without_references_says_what_to_write(shell, folder):
    result = shell("check", config(folder, ""), "--references")
    assert result.exit_code == 2
    assert '"child.column" = "parent.column"' in result.stderr


def test_a_table_that_is_not_there_is_the_database_s_error(shell, folder):
    path = config(folder, "'nosuch.a' = 'crm_customers.id'")
    result = shell("check", path, "--references")
    assert result.exit_code == 1
    assert "no such table: nosuch" in result.stderr


@pytest.mark.parametrize(
    ("references", "said"),
    [
        ("orders = 'crm_customers.id'", "'orders' names no columns"),
        ("'a.b.c.d' = 'crm_customers.id'", "names no columns"),
        ("'orders(a, b)' = 'crm_customers.id'", "are 2 columns"),
        ("'orders.a' = 1", "expected a string"),
        ("'orders(a,)' = 'crm_customers.id'", "names no columns"),
    ],
)
def test_what_is_no_reference_is_refused(folder, references, said):
    with pytest.raises(routedb.ConfigError, match=said.replace("(", r"\(")):
        routedb.Cluster(config(folder, references))


@pytest.mark.parametrize(
    ("text", "table", "columns"),
    [
        ("orders.customer_id", "orders", ("customer_id",)),
        ("shop.orders.customer_id", "shop.orders", ("customer_id",)),
        ("orders (a , b)", "orders", ("a", "b")),
        ('"Old Orders"."a.b"', '"Old Orders"', ('"a.b"',)),
        ("`Old``s`(`a`)", "`Old``s`", ("`a`",)),
    ],
)
def test_names_are_written_as_in_sql(folder, text, table, columns):
    with routedb.Cluster(
        {
            "databases": {"main": {"nodes": [f"sqlite:///{folder}/main.db"]}},
            "references": {text: f"t({', '.join('x' for _ in columns)})"},
        }
    ) as cluster:
        [reference] = cluster.config.references
        assert (reference.child.table, reference.child.columns) == (table, columns)
