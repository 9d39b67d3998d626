"""Empty a PostgreSQL database, so that it can be lent once more.

A new database costs its writer and each replica a copy of all catalogs, and whoever
connects there first a cache of them. An emptied one is as good only if nothing is left
of its last user. So nothing is mended one by one but what nearly every test leaves,
schemas and large objects; then the catalogs are counted, and a database whose counts
differ from those of a new one is not lent again.
"""

from __future__ import annotations

from typing import Any

# `public` is made again as the server's own script makes it. An event trigger would
# look on, and perhaps forbid it: whoever left one leaves a database to drop.
EMPTY = """
SET client_min_messages = error;
SET synchronous_commit = off;
DO $$
DECLARE
  schema name;
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger) THEN
    RETURN;
  END IF;
  FOR schema IN
    SELECT nspname FROM pg_catalog.pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND nspname !~ '^pg_(toast_)?temp_'
  LOOP
    EXECUTE pg_catalog.format('DROP SCHEMA %I CASCADE', schema);
  END LOOP;
  PERFORM pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;
END $$;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
COMMENT ON SCHEMA public IS 'standard public schema';
SELECT pg_catalog.pg_stat_reset();
"""

# The database's own catalogs; statistics of columns come and go with ANALYZE.
CATALOGS = """
SELECT relname FROM pg_catalog.pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'
  AND NOT relisshared AND relname NOT IN ('pg_statistic', 'pg_namespace')
ORDER BY relname
"""

# How many rows, and how many of them were written by the database's users: a row of
# the server's own that was changed in its place does not change the first number.
COUNT = """
SELECT '{catalog}', count(*),
  count(*) FILTER (WHERE pg_catalog.age(xmin) <= pg_catalog.age('{since}'::xid))
FROM pg_catalog.{catalog}
"""

# A session that had temporary tables leaves their schema, empty, to the next one.
SCHEMAS = """
SELECT nspname, nspowner, nspacl::text FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_(toast_)?temp_' ORDER BY nspname
"""

# What the server keeps elsewhere about a database.
SHARED = """
SELECT d.datdba, d.encoding, d.datistemplate, d.datallowconn, d.datconnlimit,
  d.dattablespace, d.datcollate, d.datctype, d.datacl::text,
  (SELECT count(*) FROM pg_catalog.pg_db_role_setting WHERE setdatabase = d.oid),
  (SELECT count(*) FROM pg_catalog.pg_shdescription WHERE objoid = d.oid),
  (SELECT count(*) FROM pg_catalog.pg_shseclabel WHERE objoid = d.oid),
  (SELECT count(*) FROM pg_catalog.pg_shdepend WHERE dbid = d.oid),
  (SELECT count(*) FROM pg_catalog.pg_subscription WHERE subdbid = d.oid),
  (SELECT count(*) FROM pg_catalog.pg_prepared_xacts WHERE database = d.datname),
  (SELECT count(*) FROM pg_catalog.pg_replication_slots WHERE database = d.datname)
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
"""


def empty(connection: Any, since: int) -> list[tuple[Any, ...]]:
    """Empty the database of a connection; return what to compare with a new one's.

    `since` is a transaction's number from before anybody used the database.
    """
    cursor = connection.cursor()
    cursor.execute(EMPTY)
    cursor.execute(CATALOGS)
    counts = [COUNT.format(catalog=row[0], since=since) for row in cursor.fetchall()]
    left: list[tuple[Any, ...]] = []
    for question in (" UNION ALL ".join(counts), SCHEMAS, SHARED):
        cursor.execute(question)
        left += cursor.fetchall()
    return left
