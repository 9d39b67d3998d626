"""What a new session has by itself is there for each user of a pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.live.pool.conftest import answer

pytestmark = pytest.mark.live


def test_what_a_startup_option_or_a_role_sets_is_there_for_each_user(pg_place):
    server = pg_place.database.cluster.writer
    name = pg_place.database.name
    role, limited = f"app_{name}", f"limited_{name}"
    server.execute(f"CREATE ROLE {limited}")
    server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x' IN ROLE {limited}")
    for setting in (
        "work_mem = '1111kB'",
        f"role = '{limited}'",
        "datestyle = 'German'",
        "\"app.tenant\" = 'mine'",
    ):
        server.execute(f"ALTER ROLE {role} SET {setting}")
    server.execute(f"ALTER DATABASE {name} SET statement_timeout = '44s'")
    base = pg_place.database.writer_dsn.partition("@")[2].partition("?")[0]
    dsn = f"postgresql://{role}:x@{base}?options=-c%20lock_timeout%3D33s"
    cluster = pg_place.cluster(dsn, pool={"max": 1})
    changes = (
        "SET work_mem = '2222kB'",
        "RESET ROLE; SET ROLE none",
        "SET DateStyle = 'SQL, DMY'",
        "SET statement_timeout = 0",
        "SELECT set_config('app.tenant', 'other', false)",
        "SET lock_timeout = 0",
    )
    show = (
        "SELECT current_setting('work_mem'), current_user::text, "
        "current_setting('DateStyle'), current_setting('statement_timeout'), "
        "current_setting('app.tenant'), current_setting('lock_timeout'), "
        "date '2024-02-01', pg_backend_pid()"
    )
    first = answer(cluster, show)
    assert first[0][:2] == ("1111kB", limited)
    assert first[0][2].startswith("ISO")
    assert first[0][3:6] == ("44s", "mine", "33s")
    assert answer(cluster, show, *changes) != first
    assert answer(cluster, show) == first
    cluster.close()
    server.execute(f"DROP OWNED BY {role}", dbname=name)
    server.execute(f"DROP ROLE {role}")
    server.execute(f"DROP ROLE {limited}")


def test_what_a_dsn_or_an_account_sets_is_there_for_each_user(place_of):
    place = place_of("my")
    name = place.database.name
    for text in (
        "CREATE OR REPLACE ROLE limited",
        f"CREATE USER {name} IDENTIFIED BY 'x'",
        f"GRANT ALL ON {name}.* TO {name}",
        f"GRANT limited TO {name}",
        f"SET DEFAULT ROLE limited FOR {name}",
    ):
        place.database.execute(text)
    base = place.database.writer_dsn.partition("@")[2]
    dsn = f"mysql://{name}:x@{base}?charset=latin1&sql_mode=ANSI"
    dsn += "&init_command=SET%20%40mine%20%3D%205"
    cluster = place.cluster(dsn, pool={"max": 1})
    show = (
        "SELECT @mine, @@character_set_client, CURRENT_ROLE(), @@sql_mode, DATABASE(), "
        "CONNECTION_ID()"
    )
    first = answer(cluster, show)
    assert first[0][:3] == (5, "latin1", "limited")
    changes = (
        "SET @mine = 6",
        "SET NAMES utf8mb4",
        "SET ROLE NONE",
        "SET sql_mode = ''",
        "USE information_schema",
    )
    assert answer(cluster, show, *changes) != first
    assert answer(cluster, show) == first


def _language(execute: Callable[..., Any]) -> None:
    execute("CREATE LANGUAGE plother HANDLER plpgsql_call_handler")


def _init_connect(execute: Callable[..., Any]) -> None:
    execute("SET GLOBAL init_connect = 'SET @greeted = 1'")


OUT_OF_REACH = {
    "pg": (_language, lambda execute: None),
    "my": (_init_connect, lambda execute: execute("SET GLOBAL init_connect = ''")),
}


@pytest.mark.parametrize("where", OUT_OF_REACH)
def test_a_session_with_more_than_a_reset_reaches_is_not_lent_again(place_of, where):
    """Variables of a language; what the server runs at connect only."""
    place = place_of(where)
    change, restore = OUT_OF_REACH[where]
    ask = {"pg": "SELECT pg_backend_pid()", "my": "SELECT CONNECTION_ID()"}[where]
    change(place.database.execute)
    try:
        cluster = place.cluster(pool={"max": 1})
        assert len({answer(cluster, ask)[0][0] for _ in range(3)}) == 3
        assert cluster.runtime.core.pools.of(0).open == 0
    finally:
        restore(place.database.execute)
