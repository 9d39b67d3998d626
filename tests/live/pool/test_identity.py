"""Connections that are psycopg2's own, lent again: as new, and to one user only."""

from __future__ import annotations

import gc
import weakref

import psycopg2
import pytest
from psycopg2 import extensions as ext
from psycopg2 import extras
from sqlalchemy import create_engine, pool, text

import routedb

pytestmark = pytest.mark.live


@pytest.fixture
def cluster(pg_place):
    return pg_place.cluster(pool={"max": 2, "wait_timeout": "5s"})


def used(cluster, change=lambda connection: None, **options):
    """Open a connection, do something with it, close it; return its session."""
    connection = cluster.connect(**options)
    session = connection.get_backend_pid()
    change(connection)
    connection.close()
    return session


def test_the_object_is_handed_out_again_when_nobody_holds_it(cluster):
    assert len({used(cluster) for _ in range(5)}) == 1


def test_a_closed_connection_stays_closed_when_another_is_opened(cluster):
    old = cluster.connect()
    cursor = old.cursor()
    cursor.execute("SELECT 1")
    old.close()
    new = cluster.connect()
    assert new is not old
    assert (old.closed, new.closed) == (1, 0)
    assert cursor.closed
    for use in (
        old.cursor,
        old.commit,
        old.rollback,
        old.get_backend_pid,
        cursor.fetchone,
        lambda: cursor.execute("SELECT 1"),
    ):
        with pytest.raises(psycopg2.InterfaceError):
            use()
    old.close()
    new.cursor().execute("SELECT 1")


def hold_by_variable(connection, kept):
    kept.append(connection)


def hold_by_cursor(connection, kept):
    kept.append(connection.cursor())


def hold_by_weak_reference(connection, kept):
    kept.append(weakref.ref(connection))


def hold_by_weak_key(connection, kept):
    kept.append(weakref.WeakKeyDictionary({connection: 1}))


def hold_by_large_object(connection, kept):
    kept.append(connection.lobject())


def hold_by_method(connection, kept):
    kept.append(connection.commit)


HOLDS = [
    hold_by_variable,
    hold_by_cursor,
    hold_by_weak_reference,
    hold_by_weak_key,
    hold_by_large_object,
    hold_by_method,
]


@pytest.mark.parametrize("hold", HOLDS, ids=lambda hold: hold.__name__)
def test_what_is_still_held_in_any_way_is_never_another_user_s(cluster, pg_place, hold):
    kept: list = []
    session = used(cluster, lambda connection: hold(connection, kept))
    others = [cluster.connect() for _ in range(2)]
    assert session not in {other.get_backend_pid() for other in others}
    assert len(pg_place.sessions()) == 2
    assert cluster.runtime.core.pools.of(0).open == 2


def test_a_cycle_that_is_not_collected_yet_counts_as_holding(cluster):
    gc.disable()
    try:

        def make_cycle(connection):
            connection.me = connection

        first = used(cluster, make_cycle)
        assert used(cluster) != first
    finally:
        gc.enable()


def change_attributes(connection):
    connection.mine = 1
    connection.cursor_factory = extras.RealDictCursor


def register_types(connection):
    as_text = ext.new_type((23,), "AS_TEXT", lambda value, cursor: ("mine", value))
    ext.register_type(as_text, connection)


def set_session(connection):
    connection.set_session("SERIALIZABLE", readonly=True, deferrable=True)


def set_session_and_read(connection):
    connection.set_session("SERIALIZABLE", readonly=True, autocommit=True)
    connection.cursor().execute("SELECT 1")


def set_encoding(connection):
    connection.set_client_encoding("LATIN1")


def raise_notices(connection):
    connection.cursor().execute("DO $$BEGIN RAISE NOTICE 'mine'; END$$")
    assert connection.notices


def be_notified(connection):
    connection.autocommit = True
    connection.cursor().execute("LISTEN news; NOTIFY news; SELECT 1")
    connection.poll()
    assert connection.notifies


def fail_in_a_transaction(connection):
    with pytest.raises(psycopg2.Error):
        connection.cursor().execute("SELECT nothing")


def hold_a_named_cursor(connection):
    cursor = connection.cursor("mine", withhold=True)
    cursor.execute("SELECT generate_series(1, 100)")
    cursor.fetchone()
    connection.commit()


def write_a_large_object(connection):
    connection.lobject(0, "w").write("mine")


def insert_and_stay(connection):
    connection.cursor().execute("CREATE TEMP TABLE mine (id serial)")
    connection.cursor().execute("INSERT INTO mine DEFAULT VALUES")
    connection.commit()


CHANGES = [
    change_attributes,
    register_types,
    set_session,
    set_session_and_read,
    set_encoding,
    raise_notices,
    be_notified,
    fail_in_a_transaction,
    hold_a_named_cursor,
    write_a_large_object,
    insert_and_stay,
]


def seen(connection):
    """All that a user can see of a connection that was just opened."""
    state = {
        "types": (dict(connection.string_types), dict(connection.binary_types)),
        "lists": (list(connection.notices), list(connection.notifies)),
        "own": hasattr(connection, "mine"),
        "factory": connection.cursor_factory,
        "encoding": connection.encoding,
        "autocommit": connection.autocommit,
        "level": connection.isolation_level,
        "flags": (connection.readonly, connection.deferrable),
        "status": (connection.status, connection.get_transaction_status()),
        "closed": connection.closed,
    }
    cursor = connection.cursor()
    for name in ("client_encoding", "transaction_isolation", "transaction_read_only"):
        cursor.execute(f"SHOW {name}")
        state[name] = cursor.fetchone()
    cursor.execute("SELECT 5, to_regclass('mine'), (SELECT count(*) FROM pg_cursors)")
    state["rows"] = cursor.fetchall()
    with pytest.raises(psycopg2.Error, match="not yet defined"):
        cursor.execute("SELECT lastval()")
    connection.rollback()
    connection.autocommit = True
    cursor.execute("SHOW default_transaction_isolation")
    state["default"] = cursor.fetchone()
    return state


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_the_next_user_gets_a_connection_as_new(cluster, change):
    new = []
    used(cluster, lambda connection: new.append(seen(connection)))
    used(cluster, change)
    used(cluster, lambda connection: new.append(seen(connection)))
    assert new[1] == new[0]


def test_a_prepared_transaction_is_not_left_to_the_next_user(cluster):
    def begin(connection):
        connection.tpc_begin(connection.xid(1, "mine", "part"))
        connection.cursor().execute("SELECT 1")

    used(cluster, begin)
    used(cluster, lambda connection: connection.cursor().execute("SELECT 1"))


class Mine(ext.connection):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.count = getattr(self, "count", 0) + 1


class Slotted(ext.connection):
    __slots__ = ("mine",)


def test_a_connection_of_the_user_s_class_is_made_again_from_its_init(cluster):
    counts = []

    def look(connection):
        assert isinstance(connection, Mine)
        counts.append(connection.count)

    plain = used(cluster)
    sessions = {used(cluster, look, connection_factory=Mine) for _ in range(3)}
    assert counts == [1, 1, 1]
    assert len(sessions) == 1
    assert plain not in sessions


def test_objects_with_slots_are_not_handed_out_again(cluster, pg_place):
    def look(connection):
        assert not hasattr(connection, "mine")
        connection.mine = 1

    sessions = [used(cluster, look, connection_factory=Slotted) for _ in range(3)]
    assert len(set(sessions)) == 3
    assert cluster.runtime.core.pools.of(0).open == 0


def test_a_factory_that_fails_takes_no_place(cluster):
    class Fails(ext.connection):
        def __init__(self, *args, **more):
            super().__init__(*args, **more)
            raise ValueError("not today")

    class NeverOpens(ext.connection):
        def __init__(self, *args, **more):
            raise ValueError("not at all")

    for factory in (Fails, NeverOpens) * 3:
        with pytest.raises(ValueError, match="not"):
            cluster.connect(connection_factory=factory)
    gc.collect()
    held = [cluster.connect() for _ in range(2)]
    assert len(held) == 2


def test_a_connection_that_was_forgotten_frees_its_place(cluster, pg_place):
    for _ in range(5):
        connection = cluster.connect()
        connection.cursor().execute("SELECT 1")
        del connection
    assert len({used(cluster) for _ in range(3)}) == 1
    assert len(pg_place.sessions()) <= 2


def test_min_connections_are_open_before_they_are_asked_for(pg_place):
    cluster = pg_place.cluster(pool={"min": 3, "max": 4})
    first = used(cluster)
    held: list = []
    while len(held) < 3:
        held.append(cluster.connect())
    assert len(pg_place.sessions()) <= 4
    assert first in {connection.get_backend_pid() for connection in held}
    assert isinstance(held[-1], ext.connection)
    held[-1].cursor().execute("SELECT 1")


def test_quoting_and_registration_work_on_what_is_lent_again(cluster):
    def quote(connection):
        assert ext.quote_ident("a b", connection) == '"a b"'
        extras.register_uuid(conn_or_curs=connection)
        assert connection.cursor().mogrify("%s", ("é",)) == "'é'".encode()

    assert len({used(cluster, quote) for _ in range(3)}) == 1


def test_sqlalchemy_s_null_pool_leaves_pooling_to_routedb(pg_place):
    engine = create_engine(
        "routedb+postgresql://",
        connect_args={"source": [pg_place.database.writer_dsn], "pool": {"max": 3}},
        poolclass=pool.NullPool,
    )
    ask = text("SELECT pg_backend_pid()")

    def asked():
        with engine.connect() as connection:
            return connection.scalar(ask)

    sessions = {asked() for _ in range(8)}
    assert len(sessions) <= 2
    assert len(pg_place.sessions()) <= 3


def test_the_same_connect_without_a_pool_opens_anew(pg_place):
    cluster = pg_place.cluster()
    assert len({used(cluster) for _ in range(3)}) == 3
    with pytest.raises(routedb.ConfigError, match=r"pool\.max"):
        pg_place.cluster(pool={"max": 0})
