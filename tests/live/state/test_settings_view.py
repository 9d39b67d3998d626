"""What UPDATE pg_settings sets holds on every link, as after SET."""

from __future__ import annotations

import pytest

from .nodes import cut, everywhere, on_all

ASK = "SELECT current_setting('bytea_output')"
WAYS = {
    "by name": ("name = 'bytea_output'", None),
    "by parameter": ("name = %s", ("bytea_output",)),
    "by keyword": ("name = %(n)s", {"n": "bytea_output"}),
    "one of two": ("name IN ('bytea_output', 'no_such')", None),
    "either": ("name = 'bytea_output' OR name = 'xmloption' AND false", None),
    "by pattern": ("name LIKE 'bytea%%' AND name <> 'x'", ()),
    "by query": ("name IN (SELECT 'bytea_output')", None),
    "computed": ("name = 'bytea' || '_output'", None),
}
HEADS = (
    "UPDATE pg_settings SET setting = 'escape' WHERE ",
    "UPDATE ONLY pg_catalog.pg_settings AS s SET setting = 'esc' || 'ape' WHERE ",
)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_set_by_the_view_holds_everywhere(pg_rig, pg_connect, way):
    condition, params = WAYS[way]
    for head in HEADS:
        connection = pg_connect()
        assert everywhere(connection, pg_rig, ASK) == on_all(pg_rig, "hex")
        connection.cursor().execute("SET work_mem = '5MB'")
        cursor = connection.cursor()
        cursor.execute(head + condition, params)
        assert cursor.fetchall() == [("escape",)]
        for _ in range(2):
            assert everywhere(connection, pg_rig, ASK) == on_all(pg_rig, "escape")
            work_mem = everywhere(connection, pg_rig, "SHOW work_mem")
            assert work_mem == on_all(pg_rig, "5MB")
            cut(connection, pg_rig)


def test_a_rollback_undoes_it(pg_rig, pg_connect):
    connection = pg_connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(HEADS[0] + "name = 'bytea_output'")
    connection.rollback()
    connection.autocommit = True
    assert everywhere(connection, pg_rig, ASK) == on_all(pg_rig, "hex")
    connection.autocommit = False
    cursor.execute(HEADS[0] + "name = 'bytea_output'")
    connection.commit()
    connection.autocommit = True
    assert everywhere(connection, pg_rig, ASK) == on_all(pg_rig, "escape")


def test_beside_other_statements(pg_rig, pg_connect):
    """As pgAdmin begins a session."""
    connection = pg_connect()
    connection.cursor().execute(
        f"SET DateStyle = ISO; {HEADS[0]}name = 'bytea_output'; SET work_mem = '6MB'"
    )
    assert everywhere(connection, pg_rig, ASK) == on_all(pg_rig, "escape")
    assert everywhere(connection, pg_rig, "SHOW work_mem") == on_all(pg_rig, "6MB")


def test_no_row_is_no_setting(pg_rig, pg_connect):
    connection = pg_connect()
    connection.cursor().execute(HEADS[0] + "name = 'no_such_setting'")
    assert everywhere(connection, pg_rig, ASK) == on_all(pg_rig, "hex")
