"""Print the functions of a PostgreSQL server that only read, for routedb's lists.

    python tools/list_functions.py "host=… dbname=…" > \
        routedb/sql/catalog/functions/postgresql_plain.txt

A name is printed when every function of that name in pg_catalog is immutable or stable,
or when it is a type's, which may be written like a function: date('2024-01-01').
Stable functions that ask for a lock or a node's own state are named by hand in
postgresql.txt, which counts more.
"""

from __future__ import annotations

import sys
import textwrap

import psycopg2

QUERY = """
    select proname
    from pg_catalog.pg_proc
    where pronamespace = 'pg_catalog'::regnamespace and prokind <> 'p'
    group by proname
    having bool_and(provolatile <> 'v')
    union
    select typname
    from pg_catalog.pg_type
    where typnamespace = 'pg_catalog'::regnamespace and typelem = 0 and typtype <> 'c'
    order by 1
"""


def main() -> None:
    """Ask the server named by the first argument."""
    with psycopg2.connect(sys.argv[1]) as connection, connection.cursor() as cursor:
        cursor.execute(QUERY)
        names = [name for (name,) in cursor]
        version = connection.server_version // 10_000
    print(f"# Made by tools/list_functions.py from PostgreSQL {version}: {len(names)}")
    print("[plain]")
    print(textwrap.fill(" ".join(names), 88, break_on_hyphens=False))


if __name__ == "__main__":
    main()
