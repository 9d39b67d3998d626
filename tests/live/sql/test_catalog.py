"""The list of PostgreSQL's functions against the catalog of a real server."""

from __future__ import annotations

from routedb.sql.catalog.functions import FunctionCatalog
from routedb.sql.statement import Table

# A name is volatile when one of the functions that share it is.
CATALOG = """
    SELECT proname, bool_or(provolatile = 'v') FROM pg_catalog.pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind <> 'p'
    GROUP BY proname
"""


def test_every_function_that_only_reads_is_on_a_list(pg):
    functions = FunctionCatalog("postgresql")
    rows = pg.execute(CATALOG)
    reading = [name for name, is_volatile in rows if not is_volatile]
    assert len(reading) > 2000
    assert [n for n in reading if functions.effect(Table(None, n)) is None] == []


def test_a_function_no_list_has_is_volatile_so_that_asking_means_writer(pg):
    functions = FunctionCatalog("postgresql")
    volatile = {name for name, is_volatile in pg.execute(CATALOG) if is_volatile}
    unlisted = {n for n in volatile if functions.effect(Table(None, n)) is None}
    assert "binary_upgrade_set_record_init_privs" in unlisted
    assert {"nextval", "pg_notify", "random"} <= volatile - unlisted
