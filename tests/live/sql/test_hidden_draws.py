"""Views that draw from a sequence: no text shows it, and the replica refuses it."""

from __future__ import annotations

import pytest

import routedb
from tests.support.server_rig import name_of, read
from tests.support.servers import wait_until

pytestmark = pytest.mark.live

# A view, and the statement that makes it.
MARIADB = {
    "next_value": "SELECT NEXT VALUE FOR s AS n",
    "of_function": "SELECT nextval(s) AS n",
    "of_column": "SELECT id, nextval(s) AS n FROM t",
    "by_default": "SELECT DEFAULT(y) AS n FROM d",
    "set_value": "SELECT setval(s, 900) AS n",
    "by_routine": "SELECT draw() AS n",
    "of_view": "SELECT n FROM next_value",
    "in_condition": "SELECT id AS n FROM t WHERE nextval(s) > 0",
    "in_subquery": "SELECT id AS n FROM t WHERE id < (SELECT nextval(s) + 9)",
    "of_union": "SELECT 1 AS n UNION ALL SELECT nextval(s)",
}
POSTGRESQL = {
    "of_function": "SELECT nextval('s') AS n",
    "of_column": "SELECT id, nextval('s') AS n FROM t",
    "set_value": "SELECT setval('s', 900) AS n",
    "by_routine": "SELECT draw() AS n",
    "of_view": "SELECT n FROM of_function",
    "in_condition": "SELECT id AS n FROM t WHERE nextval('s') > 0",
    "in_subquery": "SELECT id AS n FROM t WHERE id < (SELECT nextval('s') + 9)",
    "of_union": "SELECT 1 AS n UNION ALL SELECT nextval('s')",
    "of_cte": "WITH q AS (SELECT nextval('s') AS n) SELECT n FROM q",
    "in_window": "SELECT count(*) OVER (ORDER BY nextval('s')) AS n FROM t",
}
SEQUENCE = "CREATE SEQUENCE s"


def has_drawn(rig) -> int:
    """Return the next value that the sequence would give."""
    of = "last_value" if rig.engine == "postgresql" else "next_not_cached_value"
    return int(rig.database.execute(f"SELECT {of} FROM s")[0][0])


def run(rig, views):
    for name, definition in views.items():
        rig.database.execute(f"CREATE VIEW {name} AS {definition}")
    rig.database.wait_replayed()
    connection = rig.connect()
    # Else the writer would answer all the others, because the session has written.
    with connection.using(consistency="eventual"):
        for name in views:
            cursor = connection.cursor()
            for _ in range(2):  # the second time it is known
                before = has_drawn(rig)
                cursor.execute(f"SELECT n FROM {name}")
                assert cursor.fetchall(), name
                assert name_of(cursor) == "writer", name
                assert cursor.route.reasons[-1][0] is routedb.Reason.NOT_A_READ, name
                assert name == "set_value" or has_drawn(rig) > before, name
            # Those that have refused it answer what is a read.
            assert read(connection) in rig.replicas, name
    wait_until(lambda: read(connection) in rig.replicas, "they hold what was seen")


def test_mariadbs_views_that_draw_run_on_the_writer(my_rig):
    execute = my_rig.database.execute
    execute(f"{SEQUENCE} NOCACHE")
    execute("CREATE TABLE d (y int DEFAULT nextval(s))")
    execute("INSERT INTO d VALUES (1)")
    execute("CREATE FUNCTION draw() RETURNS int READS SQL DATA RETURN nextval(s)")
    run(my_rig, MARIADB)


def test_postgresqls_views_that_draw_run_on_the_writer(pg_rig):
    execute = pg_rig.database.execute
    execute(SEQUENCE)
    execute("SELECT nextval('s')")
    execute(
        "CREATE FUNCTION draw() RETURNS bigint AS $$SELECT nextval('s')$$ LANGUAGE sql"
    )
    run(pg_rig, POSTGRESQL)
