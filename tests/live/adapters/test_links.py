"""Links on the real drivers: opened within a time, ended, cut, left to a parent."""

from __future__ import annotations

import os
import re
import socket
import threading

import pytest

from routedb import adapters
from routedb.adapters.base import TxMode
from routedb.errors import Fault
from tests.support.drivers import Home, node
from tests.support.proxy import Wire
from tests.support.servers import PASSWORD, wait_until

SERVERS = ["postgresql", "mysql"]
SLEEP = {"postgresql": "SELECT pg_sleep(100)", "mysql": "SELECT SLEEP(100)"}
SLEEPERS = {
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(100)'",
    "mysql": "SELECT 1 FROM information_schema.processlist "
    "WHERE info = 'SELECT SLEEP(100)'",
}
KILL = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}


@pytest.fixture(params=SERVERS)
def engine(request):
    return request.param


@pytest.fixture(params=["connect", "connect_apart"])
def opening(request):
    """The two ways to open a link."""
    return request.param


@pytest.fixture
def link(home, opening):
    """An open link of either way."""
    link = getattr(home.adapter, opening)(node(home.dsn), 20.0)
    yield link
    home.adapter.close(link)


@pytest.fixture
def listener():
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def fault_of(home: Home, call, *arguments):
    """Return what the adapter says of the error that this call ends with."""
    with pytest.raises(home.driver.Error) as caught:
        call(*arguments)
    return home.adapter.fault(caught.value, arguments[0])


@pytest.mark.live
@pytest.mark.parametrize("home", SERVERS, indirect=True)
def test_a_wrong_password_is_the_user_s_to_see(home, opening):
    wrong = node(home.dsn.replace(PASSWORD, "not-this-one"))
    with pytest.raises(home.driver.OperationalError) as caught:
        getattr(home.adapter, opening)(wrong, 5.0)
    assert home.adapter.fault(caught.value, None) is Fault.STATEMENT
    assert "not-this-one" not in str(caught.value)


@pytest.mark.live
@pytest.mark.parametrize("home", SERVERS, indirect=True)
def test_a_database_that_is_not_there_is_the_user_s_to_see(home, opening):
    wrong = node(re.sub(r"/\w+$", "/nowhere_at_all", home.dsn))
    with pytest.raises(home.driver.OperationalError) as caught:
        getattr(home.adapter, opening)(wrong, 5.0)
    assert home.adapter.fault(caught.value, None) is Fault.STATEMENT


def test_a_host_where_nobody_listens_refuses(engine, opening, listener):
    port = listener.getsockname()[1]
    listener.close()
    adapter = adapters.load(engine)
    with pytest.raises(Home(engine, "").driver.OperationalError) as caught:
        getattr(adapter, opening)(node(f"{engine}://u:hidden@127.0.0.1:{port}/d"), 5.0)
    assert adapter.fault(caught.value, None) is Fault.REFUSED
    assert "hidden" not in str(caught.value)


def test_a_host_that_does_not_exist_refuses(engine, opening):
    adapter = adapters.load(engine)
    with pytest.raises(Home(engine, "").driver.OperationalError) as caught:
        getattr(adapter, opening)(node(f"{engine}://u@nowhere.invalid/d"), 5.0)
    assert adapter.fault(caught.value, None) is Fault.REFUSED


@pytest.mark.live
@pytest.mark.parametrize("home", ["postgresql"], indirect=True)
@pytest.mark.parametrize("others", [[], ["::1"]])
def test_the_monitor_has_no_driver_look_names_up(home, monkeypatch, others):
    """psycopg2 lets no thread run while an asynchronous connect does."""
    family, kind = socket.AF_INET, socket.SOCK_STREAM
    told = [(family, kind, 6, "", (at, 0)) for at in [*others, home.server.host]]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: told)
    named = node(home.dsn.replace(home.server.host, "nowhere.invalid"))
    raw = home.adapter.connect_apart(named, 20.0)
    assert home.adapter.run(raw, "SELECT 1") == [(1,)]
    home.adapter.close(raw)


def test_connecting_to_a_silent_host_ends_as_a_refusal(engine, opening, listener):
    port = listener.getsockname()[1]
    adapter = adapters.load(engine)
    with pytest.raises(Home(engine, "").driver.OperationalError) as caught:
        getattr(adapter, opening)(node(f"{engine}://u@127.0.0.1:{port}/d"), 0.1)
    assert adapter.fault(caught.value, None) is Fault.REFUSED


@pytest.mark.live
@pytest.mark.parametrize("home", ["mysql"], indirect=True)
def test_connecting_ends_in_time_when_the_server_hangs_after_the_handshake(home):
    with Wire(home.server.host, home.server.port, "mysql") as wire:
        stop = wire.stop(b"SET NAMES")
        with pytest.raises(home.driver.OperationalError) as caught:
            home.adapter.connect(node(wire.through(home.dsn)), 0.5)
        assert home.adapter.fault(caught.value, None) is Fault.REFUSED
        stop.release()  # what opens late is closed by itself
        wait_until(lambda: not wire.connections, "nothing is left open")


@pytest.mark.live
@pytest.mark.parametrize("home", SERVERS, indirect=True)
def test_a_session_that_was_ended_is_seen_without_asking(home, link):
    is_pg = home.engine == "postgresql"
    number = link.get_backend_pid() if is_pg else link.thread_id()
    home.server.execute(KILL[home.engine], (number,))
    wait_until(lambda: not home.adapter.is_alive(link), "the end is seen")
    assert fault_of(home, home.adapter.run, link, "SELECT 1") is Fault.LINK_LOST
    home.adapter.close(link)
    assert not home.adapter.is_alive(link)


@pytest.mark.live
def test_a_notification_is_no_end(pg, pg_raw):
    adapter = adapters.load("postgresql")
    adapter.run(pg_raw, "LISTEN news")
    pg.execute("NOTIFY news, 'hello'")
    wait_until(lambda: adapter.is_alive(pg_raw) and pg_raw.notifies, "it arrives")
    assert [n.payload for n in pg_raw.notifies] == ["hello"]
    assert adapter.run(pg_raw, "SELECT 1") == [(1,)]


def test_a_closed_link_is_dead_and_closes_again(home):
    raw = home.connect()
    home.adapter.close(raw)
    home.adapter.close(raw)
    assert not home.adapter.is_alive(raw)
    assert fault_of(home, home.adapter.run, raw, "SELECT 1") is Fault.LINK_LOST
    home.adapter.interrupt(raw)
    home.adapter.abandon(raw)


@pytest.mark.live
@pytest.mark.parametrize("home", ["mysql"], indirect=True)
def test_a_dead_link_stays_dead_when_its_socket_s_number_is_another_s(home, raw):
    """mysqlclient closes a broken socket by itself, and keeps the number."""
    home.server.execute(KILL["mysql"], (raw.thread_id(),))
    wait_until(lambda: not home.adapter.is_alive(raw), "the end is seen")
    assert fault_of(home, home.adapter.run, raw, "SELECT 1") is Fault.LINK_LOST
    other = home.connect()
    os.dup2(other.fileno(), raw.fileno())
    assert not home.adapter.is_alive(raw)
    home.adapter.interrupt(raw)
    assert home.adapter.run(other, "SELECT 1") == [(1,)]
    os.close(raw.fileno())
    home.adapter.close(other)


@pytest.mark.live
@pytest.mark.parametrize("home", SERVERS, indirect=True)
def test_an_interrupt_ends_a_wait_in_another_thread(home, link):
    faults = []

    def sleep():
        faults.append(fault_of(home, home.adapter.run, link, SLEEP[home.engine]))

    thread = threading.Thread(target=sleep)
    thread.start()
    wait_until(lambda: home.server.execute(SLEEPERS[home.engine]), "it sleeps")
    home.adapter.interrupt(link)
    thread.join()
    assert faults == [Fault.LINK_LOST]


@pytest.mark.parametrize("home", ["sqlite"], indirect=True)
def test_an_interrupt_ends_a_statement_of_sqlite(home, raw):
    raw.set_progress_handler(lambda: home.adapter.interrupt(raw), 1000)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) "
    with pytest.raises(home.driver.OperationalError, match="interrupted"):
        home.adapter.run(raw, endless + "SELECT count(*) FROM n")
    raw.set_progress_handler(None, 0)
    assert home.adapter.run(raw, "SELECT 1") == [(1,)]


def test_a_forked_child_that_abandons_a_link_leaves_it_to_the_parent(home, raw):
    home.adapter.begin(raw, TxMode())
    home.write(raw, 1)
    if (child := os.fork()) == 0:
        try:
            home.adapter.abandon(raw)
            if home.engine != "sqlite":  # the parent's locks are the child's to drop
                home.adapter.close(raw)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    home.adapter.commit(raw)
    assert home.rows() == [1]
