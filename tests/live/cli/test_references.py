"""`routedb check --references` from PostgreSQL to MariaDB, and back."""

from __future__ import annotations

import json

import pytest

CONFIG = """
default = "main"
[databases.main]
nodes = ["{main}"]
[databases.legacy]
nodes = ["{legacy}"]
[tables]
"legacy_*" = "legacy"
[references]
"child.parent_id" = "legacy_parent.id"
"child.name" = "legacy_parent.name"
"""


@pytest.mark.parametrize(("main", "legacy"), [("pg", "my"), ("my", "pg")])
def test_a_child_on_one_engine_and_its_parent_on_another(
    shell, request, tmp_path, main, legacy
):
    first, second = map(request.getfixturevalue, (main, legacy))
    first.execute("CREATE TABLE child (parent_id BIGINT, name VARCHAR(20))")
    second.execute("CREATE TABLE legacy_parent (id INTEGER, name VARCHAR(20))")
    first.execute("INSERT INTO child VALUES (1, 'a'), (2, 'b%'), (NULL, NULL)")
    second.execute("INSERT INTO legacy_parent VALUES (1, 'b%'), (3, 'a')")
    path = tmp_path / "references.toml"
    path.write_text(CONFIG.format(main=first.writer_dsn, legacy=second.writer_dsn))
    result = shell("check", path, "--references", "--json")
    assert result.exit_code == 1, result.output
    numbers, names = json.loads(result.stdout)
    assert numbers["keys"] == [{"key": ["2"], "rows": 1}]
    assert (names["rows"], names["keys"]) == (2, [])
    second.execute("INSERT INTO legacy_parent VALUES (2, 'c')")
    assert shell("check", path, "--references").exit_code == 0
