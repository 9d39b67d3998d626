"""`routedb sql`: rows, who answered, and what becomes of errors."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from tests.support.rows import rows_of

ROWS = "SELECT id, name FROM t ORDER BY id"


def values(shell, config, sql="SELECT id FROM t ORDER BY id"):
    result = shell("sql", config, "--format", "json", "-c", sql)
    return [row[0] for row in json.loads(result.stdout)["rows"]]


def test_rows_are_a_table_with_the_node_and_the_time_below(shell, config):
    result = shell("sql", config, "-c", ROWS)
    assert result.exit_code == 0, result.output
    assert rows_of(result.stdout) == [["1", "one"], ["2", "two"]]
    last = result.stdout.splitlines()[-1]
    assert re.fullmatch(r"\(2 rows, main replica on replica, \d+\.\d ms\)", last)


def test_a_write_tells_how_many_rows(shell, config):
    result = shell("sql", config, "-c", "UPDATE t SET name = 'x' WHERE id = 1")
    assert result.stdout.startswith("(1 row affected, main writer on writer, ")


def test_csv_is_rows_alone_and_the_rest_goes_to_the_error_stream(shell, config):
    sql = "SELECT 'a,\"b\"' AS a, NULL AS b, x'00ff' AS c"
    result = shell("sql", config, "--format", "csv", "-c", sql)
    read = list(csv.reader(io.StringIO(result.stdout)))
    assert read == [["a", "b", "c"], ['a,"b"', "", "\\x00ff"]]
    assert result.stderr.startswith("1 row, main replica on replica, ")


def test_json_is_one_object_for_each_statement(shell, config):
    sql = "INSERT INTO t VALUES (3, 'tr\u00e4f'); SELECT *, x'00', 1e999 FROM t"
    result = shell("sql", config, "--format", "json", "-c", sql)
    insert, select = map(json.loads, result.stdout.splitlines())
    assert insert["rowcount"] == 1
    assert (insert["columns"], insert["rows"]) == ([], [])
    assert (select["node"], select["route"]) == ("writer", "main writer")
    assert select["columns"][:2] == ["id", "name"]
    assert select["rows"][2] == [3, "tr\u00e4f", "\\x00", "inf"]
    assert select["ms"] >= 0


@pytest.mark.parametrize("as_file", [True, False])
def test_statements_come_from_a_file_or_from_standard_input(
    shell, config, folder, as_file
):
    script = "-- three;\nINSERT INTO t VALUES (3, 'a;b');\nDELETE FROM t WHERE id = 1;"
    file = folder / "script.sql"
    file.write_text(script, encoding="utf-8")
    words = [file] if as_file else []
    result = shell("sql", config, *words, given=None if as_file else script)
    assert result.exit_code == 0, result.output
    assert values(shell, config) == [2, 3]


@pytest.mark.parametrize("as_file", [True, False])
def test_statements_that_are_no_utf_8_are_refused(shell, config, folder, as_file):
    file = folder / "script.sql"
    file.write_bytes(b"SELECT 1;\nSELECT '\xff'")
    words, given = ([file], None) if as_file else ([], file.read_bytes())
    result = shell("sql", config, *words, given=given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no UTF-8 text" in result.stderr


def test_a_byte_order_mark_is_no_part_of_the_text(shell, config):
    result = shell("sql", config, "--format", "csv", given="\ufeffSELECT 1 AS a")
    assert (result.exit_code, result.stdout) == (0, "a\n1\n")


def test_a_text_without_statements_does_nothing(shell, config):
    result = shell("sql", config, given="-- nothing\n;")
    assert (result.exit_code, result.output) == (0, "")


BAD = "DELETE FROM t WHERE id = 1; SELECT * FROM no_such; DELETE FROM t"


@pytest.mark.parametrize(
    ("words", "left"),
    [([], [2]), (["--keep-going"], []), (["--single-transaction"], [1, 2])],
)
def test_the_first_error_ends_it_unless_told_otherwise(shell, config, words, left):
    result = shell("sql", config, *words, "-c", BAD)
    assert result.exit_code == 1
    assert "OperationalError: no such table: no_such" in result.stderr
    assert values(shell, config) == left


def test_a_single_transaction_is_committed_at_the_end(shell, config):
    sql = "DELETE FROM t WHERE id = 1; DELETE FROM t WHERE id = 2"
    result = shell("sql", config, "--single-transaction", "-c", sql)
    assert result.exit_code == 0, result.output
    assert values(shell, config) == []


def test_a_transaction_left_open_is_rolled_back_and_said_so(shell, config):
    result = shell("sql", config, "-c", "BEGIN; DELETE FROM t")
    assert result.exit_code == 1
    assert "the open transaction was rolled back" in result.stderr
    assert values(shell, config) == [1, 2]


VIEW = "CREATE VIEW both AS SELECT 1 FROM t, crm_contacts"


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        (VIEW, "CrossDatabaseError: one statement"),
        ("DELETE FROM crm_contacts", "ReadOnlyError: DELETE on crm_contacts"),
        ("INSERT INTO t VALUES (1, 'again')", "IntegrityError: UNIQUE constraint"),
    ],
)
def test_refusals_and_the_servers_errors_are_shown_alike(shell, config, sql, error):
    result = shell("sql", config, "-c", sql)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(error)


def test_values_can_do_nothing_to_the_terminal(shell, config):
    sql = "SELECT char(27) || '[31m' AS a, '[red]b[/red]' AS b, NULL AS c"
    result = shell("sql", config, "-c", sql)
    assert rows_of(result.stdout) == [["\\x1b[31m", "[red]b[/red]", "NULL"]]


def test_a_write_on_several_shards_names_all_their_nodes(shell, tmp_path):
    path = tmp_path / "sharded.toml"
    nodes = ", ".join(
        f'{{name = "n{n}", dsn = "sqlite:///{tmp_path}/{n}.db"}}' for n in range(2)
    )
    path.write_text(
        f'default = "o"\n[databases.o]\nshards = [{nodes}]\n[tables]\n'
        'c = { database = "o", reference = true }\n',
        encoding="utf-8",
    )
    sql = "".join(f"/* routedb: shard={n} */ CREATE TABLE c (id INT);" for n in (0, 1))
    assert shell("sql", path, "-c", sql).exit_code == 0
    sql = "INSERT INTO c VALUES (1); SELECT * FROM c"
    result = shell("sql", path, "--format", "json", "-c", sql)
    insert, select = map(json.loads, result.stdout.splitlines())
    assert (insert["node"], insert["route"]) == ("n0, n1", "o[0,1] writer")
    assert select["node"] in ("n0", "n1")
