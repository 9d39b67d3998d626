"""docs/errors.rst explains every error as the code does, with what it really says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import routedb
from routedb import errors
from routedb.adapters import fake
from routedb.errors import Fault
from tests.docs.documentation import DOCS, blocks

SHOP: dict[str, Any] = {
    "default": "main",
    "databases": {
        "main": {"nodes": ["fake://db1"]},
        "crm": {"nodes": ["fake://old1"], "read_only": True},
        "orders": {"shards": ["fake://a1", "fake://b1"]},
    },
    "tables": {
        "crm_*": "crm",
        "orders": {"database": "orders", "shard_key": "customer_id"},
    },
}
WRITE = "INSERT INTO items VALUES (1)"
TERM = re.compile(r"^``(\w+)`` \(``(\w+)``\)\n((?:   .*\n|\n)+)", re.MULTILINE)
SAMPLE = re.compile(r"   \.\. code-block:: text\n\n((?:      .*\n)+)")
# Classes that nothing is of, only below.
BASES = {"Warning", "Error", "DatabaseError"}


class Entry(NamedTuple):
    """What the page says of one error."""

    base: str
    text: str  # on one line
    sample: str  # on one line


def line(text: str) -> str:
    return " ".join(text.split())


def entries() -> dict[str, Entry]:
    found = TERM.findall((DOCS / "errors.rst").read_text("utf-8"))
    samples = {name: SAMPLE.search(body) for name, _, body in found}
    shown = {name: line(s[1]) if s else "" for name, s in samples.items()}
    return {name: Entry(base, line(body), shown[name]) for name, base, body in found}


ENTRIES = entries()


def classes() -> dict[str, type[Exception]]:
    found = inspect.getmembers(errors, inspect.isclass)
    return {name: kind for name, kind in found if issubclass(kind, Exception)}


def test_every_error_is_explained_below_its_base():
    explained = {name: entry.base for name, entry in ENTRIES.items()}
    bases = {name: kind.__mro__[1] for name, kind in classes().items()}
    assert explained == {name: base.__name__ for name, base in bases.items()}


@pytest.mark.parametrize("name", classes())
def test_the_page_says_what_the_code_says(name):
    first, *_ = (classes()[name].__doc__ or "none").split("\n\n")
    assert ENTRIES[name].text.startswith(line(first))


@pytest.mark.parametrize("name", sorted(classes().keys() - BASES))
def test_the_page_says_when_what_to_do_and_whether_to_retry(name):
    text = ENTRIES[name].text
    assert re.search(r":When: \S.*:Do: \S.*:Retry: \S", text)
    safe = vars(classes()[name]).get("retry_is_safe")
    if safe is not None:
        assert f"``retry_is_safe`` is {str(safe).lower()}" in text
        assert (":Retry: Safe" in text) is safe


# -- what is really said ---------------------------------------------------------------


class Site:
    """The shop on fake servers, and whatever a case starts beside them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.servers: dict[str, fake.Server] = {}
        for name in ("db1", "old1", "a1", "b1"):
            self.start(name)

    def start(self, name: str, role: str = "writer") -> None:
        server = fake.Server(name, role=role)
        self.servers[name] = self._stack.enter_context(server)

    def connect(self, source: Any = None, **options: Any) -> routedb.Connection:
        made = routedb.Cluster(SHOP if source is None else source)
        return self._stack.enter_context(made).connect(**options)

    def run(self, *statements: str) -> routedb.Connection:
        connection = self.connect()
        cursor = connection.cursor()
        for sql in statements:
            cursor.execute(sql)
        return connection


@pytest.fixture
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack)


def config_error(site, folder):
    path = folder / "shop.toml"
    path.write_text('[databases.main]\nnodes = ["fake://db1"]\nreads = "replicas"\n')
    routedb.Cluster(path)


def unknown_table(site, _):
    source = {key: value for key, value in SHOP.items() if key != "default"}
    site.connect(source).cursor().execute("SELECT * FROM items")


def no_node(site, _):
    site.start("db2", "replica")
    nodes = ["fake://db1", "fake://db2"]
    main = {"nodes": nodes, "failover_timeout": "100ms"}
    connection = site.connect({"databases": {"main": main}}, autocommit=True)
    connection.cursor().execute(WRITE)
    site.servers["db1"].stop()
    connection.cursor().execute(WRITE)


def split_brain(site, _):
    site.start("db3")
    main = {"nodes": ["fake://db1", "fake://db3"], "failover_timeout": "100ms"}
    site.connect({"databases": {"main": main}}).cursor().execute(WRITE)


def transaction_lost(site, _):
    connection = site.run(WRITE)
    site.servers["db1"].fail("execute", Fault.LINK_LOST, match="UPDATE")
    connection.cursor().execute("UPDATE items SET price = 1")


def outcome_unknown(site, _):
    connection = site.run(WRITE)
    site.servers["db1"].fail("commit", Fault.LINK_LOST)
    connection.commit()


def pool_timeout(*_):
    with routedb.Cluster("fake://db1", pool={"max": 1, "wait_timeout": 0.05}) as few:
        _held = few.connect()
        few.connect()


def closed_cursor(site, _):
    cursor = site.connect().cursor()
    cursor.close()
    cursor.execute("SELECT 1")


JOIN = "CREATE VIEW both AS SELECT items.id FROM items, crm_customers"
OURS: dict[str, Callable[..., Any]] = {
    "ConfigError": config_error,
    "HintError": lambda site, _: site.run("/* routedb: role=replica */ DELETE FROM t"),
    "UnknownTableError": unknown_table,
    "ReadOnlyError": lambda site, _: site.run("DELETE FROM crm_customers"),
    "CrossDatabaseError": lambda site, _: site.run(JOIN),
    "ShardError": lambda site, _: site.run(
        "DELETE FROM orders WHERE note = 'x' LIMIT 1"
    ),
    "NoNodeError": no_node,
    "PoolTimeout": pool_timeout,
    "SplitBrain": split_brain,
    "TransactionLost": transaction_lost,
    "OutcomeUnknown": outcome_unknown,
    "InterfaceError": closed_cursor,
    "NotSupportedError": lambda *_: routedb.connect("fake://db1", async_=1),
}
# Statements on PostgreSQL, in one transaction; the last one fails.
SERVERS = {
    "DataError": ["SELECT 1 / 0 FROM items"],
    "OperationalError": ["SET statement_timeout = 1", "SELECT pg_sleep(60)"],
    "IntegrityError": ["INSERT INTO items VALUES (1)"],
    "ProgrammingError": ["SELECT * FROM nothing"],
}


def check(name: str, raised: BaseException) -> None:
    """Compare with the sample of the page, whose `…` stands for anything."""
    *parts, last = ENTRIES[name].sample.split("…")
    pattern = ".*".join([*map(re.escape, parts), re.escape(last)])
    assert re.fullmatch(pattern, line(str(raised))), line(str(raised))


def test_every_error_is_raised_below():
    assert {*OURS, *SERVERS, "InternalError"} == classes().keys() - BASES


@pytest.mark.parametrize("name", OURS)
def test_the_sample_is_what_routedb_says(name, site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(classes()[name]) as caught:
        OURS[name](site, Path())
    assert type(caught.value).__name__ == name  # the driver's class is another half
    check(name, caught.value)


@pytest.mark.parametrize("name", SERVERS)
def test_the_sample_is_what_postgresql_says(name, pg):
    pg.execute("CREATE TABLE items (id int PRIMARY KEY)")
    pg.execute("INSERT INTO items VALUES (1)")
    with routedb.connect(pg.dsns[0]) as connection:
        cursor = connection.cursor()
        *before, last = SERVERS[name]
        for sql in before:
            cursor.execute(sql)
        with pytest.raises(classes()[name]) as caught:
            cursor.execute(last)
        check(name, caught.value)
        with pytest.raises(errors.InternalError) as aborted:
            cursor.execute("SELECT 1")
        check("InternalError", aborted.value)
        connection.rollback()
    connection.close()


# -- the function that tries again -----------------------------------------------------


def retrying() -> Callable[..., Any]:
    """Return the function of the page."""
    [code] = [block.text for block in blocks("errors") if block.language == "python"]
    names: dict[str, Any] = {"routedb": routedb}
    exec(code, names)
    run: Callable[..., Any] = names["run"]
    return run


def pay(cursor):
    cursor.execute(WRITE)
    cursor.execute("UPDATE items SET price = 1")
    return "paid"


def test_a_lost_transaction_is_run_again_from_its_first_statement(site):
    connection, db1 = site.connect(), site.servers["db1"]
    db1.fail("execute", Fault.LINK_LOST, match="UPDATE")
    assert retrying()(connection, pay) == "paid"
    assert db1.texts.count(WRITE) == 2
    db1.fail("execute", Fault.LINK_LOST, match="UPDATE", times=3)
    with pytest.raises(RuntimeError, match="three times"):
        retrying()(connection, pay)


def test_what_may_have_been_committed_is_not_run_again(site):
    connection, db1 = site.connect(), site.servers["db1"]
    db1.fail("commit", Fault.LINK_LOST)
    with pytest.raises(routedb.OutcomeUnknown):
        retrying()(connection, pay)
    assert db1.texts.count(WRITE) == 1
