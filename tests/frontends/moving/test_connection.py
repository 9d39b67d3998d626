"""What docs/moving-from-psycopg2.rst says of a connection's attributes, row by row."""

from __future__ import annotations

import threading

import psycopg2
import pytest
from psycopg2 import errors, extensions, extras

from tests.frontends.moving.use import (
    INSERT,
    PID,
    READ,
    Case,
    Shouting,
    on_replica,
    one,
    public,
    rows,
)
from tests.support.servers import wait_until


def cursors(conn, home):
    made = on_replica(conn, cursor_factory=Shouting)
    assert isinstance(made, Shouting)
    assert next(made)["name"] == "a"
    conn.cursor_factory = extras.RealDictCursor
    assert on_replica(conn).fetchone() == {"name": "a"}
    conn.autocommit, conn.readonly = False, True
    named = on_replica(conn, "SELECT id FROM t ORDER BY id", name="n")
    assert len(list(named)) == 5


def ends(conn, home):
    conn.autocommit = False
    for end, there in ((conn.rollback, 5), (conn.commit, 6)):
        conn.cursor().execute(INSERT, (10,))
        end()
        assert len(home.rows()) == there


def closing(conn, home):
    on_replica(conn)
    assert conn.closed == 0
    raws = conn.raw_connections()
    home.run("SELECT pg_terminate_backend(%s, 10000)", (conn.get_backend_pid(),))
    for replica in raws[1:]:
        replica.close()
    with pytest.raises(psycopg2.Error):
        raws[0].cursor().execute("SELECT 1")
    assert conn.closed == 2
    conn.cursor().execute(INSERT, (10,))
    assert conn.closed == 0
    conn.close()
    assert conn.closed == 1


def modes(conn, home):
    on_replica(conn)
    conn.autocommit = False
    conn.isolation_level = extensions.ISOLATION_LEVEL_SERIALIZABLE
    assert one(conn, "SHOW transaction_isolation") == "serializable"
    with pytest.raises(psycopg2.ProgrammingError, match="inside a transaction"):
        conn.deferrable = True
    conn.rollback()
    conn.set_session(isolation_level="REPEATABLE READ", readonly=True, deferrable=True)
    assert (conn.isolation_level, conn.readonly, conn.deferrable) == (2, True, True)
    on_replica(conn)
    assert one(conn, "SHOW transaction_isolation") == "repeatable read"
    conn.rollback()
    conn.set_isolation_level(extensions.ISOLATION_LEVEL_AUTOCOMMIT)
    assert conn.autocommit


def statuses(conn, home):
    conn.autocommit = False
    assert conn.status == extensions.STATUS_READY
    assert conn.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE
    conn.cursor().execute(READ)
    assert conn.status == extensions.STATUS_BEGIN
    assert conn.get_transaction_status() == extensions.TRANSACTION_STATUS_INTRANS


def encodings(conn, home):
    on_replica(conn)
    conn.set_client_encoding("LATIN1")
    assert conn.encoding == "LATIN1"
    assert on_replica(conn, "SHOW client_encoding").fetchone() == ("LATIN1",)
    one(conn, READ)
    assert {raw.encoding for raw in conn.raw_connections()} == {"LATIN1"}


def notices(conn, home):
    on_replica(conn)
    conn.cursor().execute("DO $$ BEGIN RAISE NOTICE 'on the writer'; END $$")
    assert any("on the writer" in notice for notice in conn.notices)
    assert len(conn.raw_connections()) > 1
    assert all(raw.notices is conn.notices for raw in conn.raw_connections())
    assert all(raw.notifies is conn.notifies for raw in conn.raw_connections())


def polling(conn, home):
    conn.cursor().execute("LISTEN shop")
    assert conn.fileno() == extensions.connection.fileno(conn)
    home.run("NOTIFY shop, 'news'")
    wait_until(lambda: conn.poll() == extensions.POLL_OK and conn.notifies, "news")
    assert conn.notifies.pop().payload == "news"


def cancelling(conn, home):
    assert conn.isexecuting() is False
    cursor = conn.cursor()
    stop = threading.Event()

    def cancel() -> None:
        while not stop.wait(0.1):
            conn.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        with pytest.raises(errors.QueryCanceled):
            cursor.execute("SELECT pg_sleep(100) FROM t WHERE id = 1")
    finally:
        stop.set()
        thread.join()


def of_the_backend(conn, home):
    mine = extensions.connection.get_backend_pid(conn)
    assert conn.get_backend_pid() == conn.info.backend_pid == mine
    conn.autocommit, conn.readonly = False, True
    pid = on_replica(conn, PID).fetchone()[0]
    assert conn.get_backend_pid() == conn.info.backend_pid == pid != mine
    port = str(conn.info.port)
    assert conn.get_dsn_parameters()["port"] == port
    assert f":{port}/" in conn.nodes[-1].dsn or port in conn.nodes[-1].dsn
    assert conn.server_version == conn.info.server_version >= 100000
    assert conn.protocol_version == 3
    assert conn.get_parameter_status("is_superuser") in ("on", "off")
    assert conn.pgconn_ptr
    assert conn.get_native_connection()
    conn.rollback()
    assert conn.get_backend_pid() == mine


def dsn(conn, home):
    [raw] = [
        raw
        for raw in conn.raw_connections()
        if raw.info.backend_pid == conn.info.backend_pid
    ]
    assert conn.dsn == raw.dsn
    assert "password=xxx" in conn.dsn or "password" not in conn.dsn


def types(conn, home):
    on_replica(conn)
    seen = extensions.new_type((25, 1043), "SEEN", lambda *_: "seen")
    extensions.register_type(seen, conn)
    assert conn.string_types[1043] is seen
    assert isinstance(conn.binary_types, dict)
    assert on_replica(conn).fetchone() == ("seen",)


def large_objects(conn, home):
    with pytest.raises(psycopg2.ProgrammingError, match="outside of transactions"):
        conn.lobject()
    conn.autocommit = False
    one(conn, READ)
    made = conn.lobject()
    made.write("text")
    conn.commit()
    assert home.run("SELECT encode(lo_get(%s), 'escape')", (made.oid,)) == [("text",)]
    home.run("SELECT lo_unlink(%s)", (made.oid,))


def two_phase(conn, home):
    conn.autocommit = False
    for end in (conn.tpc_commit, conn.tpc_rollback):
        conn.tpc_begin(conn.xid(1, "shop", "branch"))
        conn.cursor().execute(INSERT, (10 if end == conn.tpc_commit else 11,))
        end()
    assert [key for key, _ in home.rows()][5:] == [10]
    assert isinstance(conn.tpc_recover(), list)
    with pytest.raises(psycopg2.ProgrammingError, match="two-phase"):
        conn.tpc_prepare()


def resetting(conn, home):
    on_replica(conn)
    conn.cursor().execute("SET application_name = 'mine'")
    assert on_replica(conn, "SHOW application_name").fetchone() == ("mine",)
    conn.reset()
    assert one(conn, "SHOW application_name") != "mine"
    conn.rollback()
    conn.autocommit = True
    assert one(conn, "SHOW application_name") != "mine"


def asynchronous(conn, home):
    assert conn.async_ == getattr(conn, "async") == 0


CONNECTION: dict[str, Case] = {
    "cursor": cursors,
    "commit": ends,
    "close": closing,
    "autocommit": modes,
    "status": statuses,
    "encoding": encodings,
    "notices": notices,
    "poll": polling,
    "cancel": cancelling,
    "info": of_the_backend,
    "dsn": dsn,
    "string_types": types,
    "lobject": large_objects,
    "tpc_begin": two_phase,
    "reset": resetting,
    "async": asynchronous,
}


def test_every_attribute_of_psycopg2_has_its_row_and_its_case():
    table = rows("A connection's attributes")
    assert sorted(sum(table, [])) == sorted(public(extensions.connection))
    assert [first for first, *_ in table] == list(CONNECTION)


@pytest.mark.parametrize("row", CONNECTION)
def test_the_attributes_mean_what_the_page_says(row, conn, home):
    CONNECTION[row](conn, home)
