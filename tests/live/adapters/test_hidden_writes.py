"""What each catalog says of rarer ways to write behind a read, and of plain reads."""

from __future__ import annotations

import secrets
from contextlib import closing

import pytest

from routedb.sql.classifier import Classifier
from routedb.sql.scanner.shape import scan
from tests.support import hidden_writes as cases
from tests.support.drivers import Home

pytestmark = pytest.mark.live


def is_plain(home, raw, sql):
    """Ask as the engine does: by the text without its literals."""
    classifier = Classifier(home.engine)
    statement = classifier.statement(classifier.scan(sql))
    assert statement.read_only or statement.asks
    shape = scan(sql, home.engine).shape
    return home.adapter.is_plain(raw, shape, statement.tables)


def hits(database):
    [(number,)] = database.execute("SELECT n FROM hits")
    return number


def test_postgresql_tells_what_may_write(pg, pg_raw):
    pg.execute(cases.PG_SETUP)
    pg.execute(cases.PG_MORE_SETUP)
    home = Home("postgresql", pg.writer_dsn)
    with closing(home.connect()) as user:
        home.adapter.run(user, "SET ROLE pg_monitor")
        for what, sql in cases.PG_MORE.items():
            before = hits(pg)
            home.adapter.run(user, sql)
            assert hits(pg) > before, f"{what} does not write"
            assert not is_plain(home, pg_raw, sql), what
    for what, sql in cases.PG_PLAIN.items():
        assert is_plain(home, pg_raw, sql), what
    # What an adapter of the program's makes of a parameter is not known.
    assert not is_plain(home, pg_raw, "SELECT v FROM items WHERE id = %s")


def test_mariadb_tells_what_may_write(my, my_raw):
    for text in (*cases.MY_SETUP, *cases.MY_MORE_SETUP):
        my.execute(text)
    home = Home("mysql", my.writer_dsn)
    for what, sql in cases.MY_MORE.items():
        before = hits(my)
        home.adapter.run(my_raw, sql)
        assert hits(my) > before, f"{what} does not write"
        assert not is_plain(home, my_raw, sql), what
    for what, sql in cases.MY_PLAIN.items():
        assert is_plain(home, my_raw, sql), what


@pytest.fixture
def limited(my):
    """A user who may read two views of MariaDB, and see nothing of what is behind."""
    for text in cases.MY_SETUP:
        my.execute(text)
    name = f"limited_{secrets.token_hex(4)}"
    my.execute(f"CREATE USER {name} IDENTIFIED BY 'x'")
    for view in ("v_on_view", "v_plain_too"):
        my.execute(f"GRANT SELECT, SHOW VIEW ON {my.name}.{view} TO {name}")
    at = my.writer_dsn.partition("@")[2]
    home = Home("mysql", f"mysql://{name}:x@{at}")
    with closing(home.connect()) as raw:
        yield home, raw
    my.execute(f"DROP USER {name}")


def test_what_is_hidden_from_a_user_may_write(my, limited):
    home, raw = limited
    before = hits(my)
    home.adapter.run(raw, "SELECT b FROM v_on_view")
    assert hits(my) == before + 1
    assert not is_plain(home, raw, "SELECT b FROM v_on_view")
    assert not is_plain(home, raw, "SELECT u FROM v_plain_too")
