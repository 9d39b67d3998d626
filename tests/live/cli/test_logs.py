"""The query logs that real servers write are read."""

from __future__ import annotations

from contextlib import closing

import psycopg2

from routedb.cli.logs import detect, read


def test_what_postgresql_writes_is_read(pg):
    server = pg.cluster.writer
    with closing(psycopg2.connect(pg.dsns[0])) as raw:
        raw.autocommit = True
        cursor = raw.cursor()
        cursor.execute("SET log_statement = 'all'")
        cursor.execute("SELECT 'a ''word'''\n  AS first,\n\n2")
        cursor.execute("SELECT\t3")
    texts = [query.sql for query in read(server.log.splitlines(keepends=True))]
    assert "SELECT 'a ''word'''\n  AS first,\n\n2" in texts
    assert "SELECT\t3" in texts


def test_what_mariadb_writes_is_read(my):
    server = my.cluster.writer
    [(before,)] = server.execute("SELECT @@general_log_file")
    server.execute("SET GLOBAL general_log_file = @@log_error")  # what server.log reads
    server.execute("SET GLOBAL general_log = ON")
    try:
        my.execute("SELECT 'a ''word'''\n  AS first,\n\n2")
        my.execute("SELECT\t3")
    finally:
        server.execute("SET GLOBAL general_log = OFF")
        server.execute("SET GLOBAL general_log_file = %s", [before])
    log = server.log.splitlines(keepends=True)
    assert detect(log) == "mysql"
    texts = [query.sql for query in read(log)]
    assert "SELECT 'a ''word'''\n  AS first,\n\n2" in texts
    assert "SELECT\t3" in texts
