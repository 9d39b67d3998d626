"""Keep-alive: what the system is told about the sockets of links."""

from __future__ import annotations

import socket
from contextlib import closing

import psycopg2
import pytest

pytestmark = pytest.mark.live

IDLE = (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
INTERVAL = (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
PROBES = (socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
UNANSWERED = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
ALIVE = (socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def told(connection):
    """What the system knows of the sockets of a connection's links."""
    answers = []
    for link in connection.session.links:
        descriptor = link.raw.fileno()
        with socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as twin:
            options = (ALIVE, IDLE, INTERVAL, PROBES, UNANSWERED)
            answers.append(tuple(twin.getsockopt(*option) for option in options))
    return answers


@pytest.mark.parametrize("pool", ["off", "on"])
def test_a_link_is_kept_alive_unless_told_otherwise(place, pool):
    assert told(place.cluster(pool=pool).connect()) == [(1, 30, 10, 3, 60_000)]
    cluster = place.cluster(keepalive="6s", pool=pool)
    assert told(cluster.connect()) == [(1, 6, 2, 3, 12_000)]


def test_off_leaves_the_system_s_settings(place):
    [[_, idle, *_, unanswered]] = told(place.cluster(keepalive="off").connect())
    with socket.socket() as fresh:
        assert (idle, unanswered) == (fresh.getsockopt(*IDLE), 0)


@pytest.mark.parametrize("option", ["keepalives_idle=77", "tcp_user_timeout=7000"])
def test_what_a_dsn_of_libpq_says_stays(pg_place, option):
    dsn = f"{pg_place.database.writer_dsn}?{option}"
    with (
        closing(psycopg2.connect(dsn)) as raw,
        socket.fromfd(raw.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin,
    ):
        plain = tuple(twin.getsockopt(*o) for o in (ALIVE, IDLE, INTERVAL, UNANSWERED))
    [[alive, idle, interval, _, unanswered]] = told(pg_place.cluster(dsn).connect())
    assert (alive, idle, interval, unanswered) == plain


def test_the_dsn_that_users_see_is_their_own(pg_place):
    connection = pg_place.cluster().connect()
    assert "keepalives" not in connection.dsn
    assert "tcp_user_timeout" not in connection.get_dsn_parameters()
