"""What a server says of itself, and what its catalog says of its routines."""

from __future__ import annotations

import pytest

from routedb.adapters.base import Adapter
from routedb.sql.statement import Table
from routedb.topology import Role
from tests.support.drivers import Home

pytestmark = pytest.mark.live


def probed(dsn, engine):
    home = Home(engine, dsn)
    raw = home.connect()
    answer = home.adapter.probe(raw)
    home.adapter.close(raw)
    return answer


@pytest.fixture(params=["pg", "my"])
def answers(request):
    """What the writer and its first replica say, when the replica has all there is."""
    database = request.getfixturevalue(request.param)
    engine = database.cluster.writer.scheme
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    database.wait_replayed()
    return [probed(dsn, engine) for dsn in database.dsns[:2]]


def test_a_probe_tells_the_role_and_the_version(answers):
    writer, replica = answers
    assert (writer.role, replica.role) == (Role.WRITER, Role.REPLICA)
    assert writer.version == replica.version
    assert writer.version[0].isdigit()


def test_a_replica_that_has_replayed_all_is_not_behind(answers):
    writer, replica = answers
    assert (writer.lag_s, replica.lag_s) == (0.0, 0.0)
    assert writer.history == replica.history
    assert writer.position
    assert replica.position


def test_a_write_moves_the_writer_s_position(pg):
    before = probed(pg.writer_dsn, "postgresql").position
    pg.execute("CREATE TABLE t (id int PRIMARY KEY)")
    assert probed(pg.writer_dsn, "postgresql").position != before


def known(adapter: Adapter, raw, names):
    return {name: adapter.volatility(raw, name, None) for name in names}


def test_postgresql_knows_which_functions_may_write(pg, pg_raw):
    body = "LANGUAGE sql AS 'SELECT 1'"
    pg.execute(f"CREATE FUNCTION reads() RETURNS int STABLE {body}")
    pg.execute(f"CREATE FUNCTION writes() RETURNS int {body}")
    pg.execute(f"CREATE FUNCTION mixed(int) RETURNS int IMMUTABLE {body}")
    pg.execute(f"CREATE FUNCTION mixed(text) RETURNS int VOLATILE {body}")
    pg.execute(f"CREATE PROCEDURE calls() {body}")
    home = Home("postgresql", pg.writer_dsn)
    names = ["lower", "nextval", "reads", "writes", "mixed", "calls", "nope"]
    assert known(home.adapter, pg_raw, names) == {
        "lower": False,
        "nextval": True,
        "reads": False,
        "writes": True,
        "mixed": True,
        "calls": True,
        "nope": None,
    }
    assert home.adapter.volatility(pg_raw, "reads", "public") is False
    assert home.adapter.volatility(pg_raw, "reads", "elsewhere") is None


def test_mysql_knows_what_routines_declare(my, my_raw):
    for name, says in {
        "reader": "READS SQL DATA",
        "plain": "NO SQL",
        "writes": "DETERMINISTIC MODIFIES SQL DATA",
        "silent": "DETERMINISTIC",
    }.items():
        my.execute(f"CREATE FUNCTION {name}() RETURNS int {says} RETURN 1")
    my.execute("CREATE PROCEDURE calls() READS SQL DATA SELECT 1")
    home = Home("mysql", my.writer_dsn)
    names = ["reader", "plain", "writes", "silent", "calls", "nope"]
    assert known(home.adapter, my_raw, names) == {
        "reader": False,
        "plain": False,
        "writes": True,
        "silent": True,
        "calls": True,
        "nope": None,
    }
    assert home.adapter.volatility(my_raw, "reader", my.name) is False
    assert home.adapter.volatility(my_raw, "reader", "elsewhere") is None


FOREIGN = """
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE TABLE near (id int);
CREATE FOREIGN TABLE remote (id int) SERVER far;
CREATE VIEW over_remote AS SELECT id FROM remote;
CREATE TABLE parts (id int) PARTITION BY LIST (id);
CREATE FOREIGN TABLE part_1 PARTITION OF parts FOR VALUES IN (1) SERVER far;
CREATE FUNCTION counts() RETURNS bigint STABLE LANGUAGE sql
  AS 'SELECT count(*) FROM remote';
CREATE VIEW over_counts AS SELECT counts() AS id;
"""


@pytest.mark.parametrize(
    "name", ["remote", "over_remote", "parts", "over_counts", "absent"]
)
def test_a_read_of_another_servers_table_may_write_there(pg, pg_raw, name):
    pg.execute(FOREIGN)
    is_plain = Home("postgresql", pg.writer_dsn).adapter.is_plain
    assert is_plain(pg_raw, "SELECT id FROM near", (Table(None, "near"),))
    assert not is_plain(pg_raw, f"SELECT id FROM {name}", (Table(None, name),))
    assert not is_plain(pg_raw, 'SELECT U&"i\\0064" FROM near', ())
