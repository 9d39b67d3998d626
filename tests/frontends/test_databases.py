"""Three engines behind one connection: each table goes home."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.home import Home, sqlite_home

HOMES = {"t": "main", "crm_people": "crm", "archive_t": "archive"}
READS = {table: f"SELECT id FROM {table} WHERE id = 1" for table in HOMES}
# Database -> how its server says which engine it is.
VERSIONS = {
    "main": ("SELECT version()", "PostgreSQL"),
    "crm": ("SELECT @@version_comment, version()", "MariaDB"),
    "archive": ("SELECT 'SQLite ' || sqlite_version()", "SQLite"),
}


@pytest.fixture
def homes(pg_home: Home, my_home: Home, sqlite_dir) -> dict[str, Home]:
    """PostgreSQL by default, a legacy CRM on MariaDB, an archive in SQLite."""
    archive = sqlite_home(sqlite_dir, "archive")
    for home, table in ((my_home, "crm_people"), (archive, "archive_t")):
        home.run(f"CREATE TABLE {table} (id integer PRIMARY KEY, name varchar(50))")
        home.run(f"INSERT INTO {table} VALUES (1, '{table}')")
        home.settle()
    return {"main": pg_home, "crm": my_home, "archive": archive}


@pytest.fixture
def cluster(homes: dict[str, Home], open_cluster) -> routedb.Cluster:
    """A cluster of the three, the CRM read-only."""
    databases: dict[str, dict[str, object]] = {
        name: {"nodes": home.dsns} for name, home in homes.items()
    }
    databases["crm"]["read_only"] = True
    tables = {"crm_*": "crm", "archive_*": "archive"}
    return open_cluster({"default": "main", "databases": databases, "tables": tables})


@pytest.mark.parametrize("table", HOMES)
@pytest.mark.parametrize("autocommit", [True, False])
def test_a_table_is_read_where_it_lives(cluster, table, autocommit):
    cursor = cluster.connect(autocommit=autocommit).cursor()
    cursor.execute(READS[table])
    assert list(cursor.fetchall()) == [(1,)]
    assert cursor.node.database == cursor.route.database == HOMES[table]
    asked = [run.database for run in cursor.route.fragments]
    # Rows of another engine are PostgreSQL's answer, from its server.
    assert asked == ([] if table == "t" else [HOMES[table]])


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.parametrize("way", ["using", "hint"])
def test_a_database_is_reached_by_name(cluster, name, way):
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    sql, engine = VERSIONS[name]
    if way == "hint":
        cursor.execute(f"/* routedb: database={name} */ {sql}")
    else:
        with connection.using(name):
            cursor.execute(sql)
    assert any(engine in str(value) for value in cursor.fetchone())
    assert cursor.node.database == name


def test_after_using_statements_go_where_they_went(cluster):
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    with connection.using("crm"), connection.using("archive"):
        cursor.execute("SELECT 1")
        assert cursor.node.database == "archive"
    cursor.execute("SELECT 1")
    assert cursor.node.database == "main"


def test_parameters_suit_whichever_driver_runs_them(cluster):
    cursor = cluster.connect(autocommit=True).cursor()
    for table in HOMES:
        cursor.execute(f"SELECT id, '%%' FROM {table} WHERE id = %(id)s", {"id": 1})
        assert list(cursor.fetchall()) == [(1, "%")]


def test_an_error_is_that_of_the_driver_it_came_from(cluster):
    import MySQLdb  # noqa: PLC0415
    import psycopg2  # noqa: PLC0415

    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    with connection.using("crm"), pytest.raises(MySQLdb.ProgrammingError) as caught:
        cursor.execute("SELECT * FROM crm_nowhere")
    assert isinstance(caught.value, routedb.ProgrammingError)
    assert not isinstance(caught.value, psycopg2.Error)
    with pytest.raises(routedb.CrossDatabaseError) as own:
        cursor.execute("CREATE VIEW both AS SELECT name FROM t, crm_people")
    assert isinstance(own.value, psycopg2.NotSupportedError)


CROSSING = [
    "CREATE VIEW both AS SELECT t.id FROM t JOIN crm_people ON t.id = crm_people.id",
    "MERGE INTO t USING crm_people c ON t.id = c.id WHEN MATCHED THEN DELETE",
    "SELECT * FROM t JOIN crm_people ON t.id = crm_people.id FOR UPDATE OF t",
]


@pytest.mark.parametrize("sql", CROSSING)
@pytest.mark.parametrize("autocommit", [True, False])
def test_a_statement_on_two_databases_is_refused_by_name(cluster, sql, autocommit):
    connection = cluster.connect(autocommit=autocommit)
    with pytest.raises(routedb.CrossDatabaseError) as caught:
        connection.cursor().execute(sql)
    for words in ("t is in main", "crm_people is in crm", "conn.using"):
        assert words in str(caught.value)
    with pytest.raises(routedb.CrossDatabaseError):
        connection.explain(sql)
    cursor = connection.cursor()
    cursor.execute(READS["t"])  # nothing was broken by it
    assert cursor.fetchone() == (1,)


WRITES = [
    "INSERT INTO crm_people VALUES (2, 'x')",
    "UPDATE crm_people SET name = 'x'",
    "DELETE FROM crm_people",
    "TRUNCATE TABLE crm_people",
    "DROP TABLE crm_people",
]


@pytest.mark.parametrize("sql", WRITES)
@pytest.mark.parametrize("autocommit", [True, False])
def test_a_read_only_database_refuses_writes(cluster, homes, sql, autocommit):
    connection = cluster.connect(autocommit=autocommit)
    for text in (sql, f"/* routedb: database=crm role=writer */ {sql}"):
        with pytest.raises(routedb.ReadOnlyError, match="crm"):
            connection.cursor().execute(text)
    connection.commit()
    found = homes["crm"].run("SELECT id, name FROM crm_people")
    assert list(found) == [(1, "crm_people")]


def test_a_transaction_may_read_a_second_database(cluster, homes):
    connection = cluster.connect()
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (10, 'x')")
    cursor.execute("SELECT name FROM crm_people")
    assert list(cursor.fetchall()) == [("crm_people",)]
    cursor.execute("SELECT name FROM archive_t")
    assert list(cursor.fetchall()) == [("archive_t",)]
    connection.commit()
    assert len(homes["main"].rows()) == 6


def test_a_read_of_a_second_database_is_in_the_same_transaction(cluster, homes):
    """REPEATABLE READ there as here: what a stranger commits stays unseen."""
    connection = cluster.connect()
    connection.isolation_level = "repeatable read"
    cursor = connection.cursor()
    cursor.execute("UPDATE t SET name = 'mine' WHERE id = 1")
    cursor.execute("SELECT count(*) FROM crm_people")
    assert cursor.fetchone() == (1,)
    homes["crm"].run("INSERT INTO crm_people VALUES (2, 'new')")
    cursor.execute("SELECT count(*) FROM crm_people")
    assert cursor.fetchone() == (1,)
    connection.commit()
    homes["crm"].settle()
    cursor.execute("SELECT count(*) FROM crm_people")
    assert cursor.fetchone() == (2,)


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_single_transaction_may_not_write_a_second_database(homes, open_cluster, end):
    databases = {name: {"nodes": home.dsns} for name, home in homes.items()}
    tables = {"crm_*": "crm", "archive_*": "archive"}
    source = {"default": "main", "databases": databases, "tables": tables}
    connection = open_cluster({**source, "transactions": "single"}).connect()
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (10, 'x')")
    with pytest.raises(routedb.CrossDatabaseError) as caught:
        cursor.execute("INSERT INTO archive_t VALUES (2, 'x')")
    assert "archive" in str(caught.value)
    assert "main" in str(caught.value)
    getattr(connection, end)()
    assert len(homes["main"].rows()) == (6 if end == "commit" else 5)
    assert homes["archive"].run("SELECT count(*) FROM archive_t") == [(1,)]
    cursor.execute("INSERT INTO archive_t VALUES (2, 'x')")
    connection.commit()
    assert homes["archive"].run("SELECT count(*) FROM archive_t") == [(2,)]


def test_a_write_after_a_read_elsewhere_has_its_own_home(cluster, homes):
    connection = cluster.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    cursor.execute("INSERT INTO archive_t VALUES (2, 'x')")
    connection.commit()
    assert homes["archive"].run("SELECT count(*) FROM archive_t") == [(2,)]


def test_without_a_default_an_unlisted_table_is_an_error(homes, open_cluster):
    databases = {name: {"nodes": home.dsns} for name, home in homes.items()}
    tables = {"crm_*": "crm", "archive_*": "archive"}
    cursor = open_cluster({"databases": databases, "tables": tables}).connect().cursor()
    with pytest.raises(routedb.UnknownTableError, match="\\bt\\b"):
        cursor.execute(READS["t"])
    cursor.execute(READS["crm_people"])
    assert list(cursor.fetchall()) == [(1,)]
