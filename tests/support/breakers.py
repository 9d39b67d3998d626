"""The ways in which links are made to die at random."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from tests.support.proxy import Proxy
from tests.support.server_rig import Rig

ENDINGS = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = %s AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
    "mysql": "SELECT id FROM information_schema.processlist "
    "WHERE db = %s AND id <> connection_id() ORDER BY rand() LIMIT 1",
}


def breakers(rig: Rig, proxies: list[Proxy]) -> list[Callable[[], object]]:
    """The ways in which links are made to die."""
    end = ENDINGS[rig.engine]

    def end_one() -> None:
        for (number,) in rig.database.execute(end, (rig.database.name,)):
            if rig.engine == "mysql":
                with contextlib.suppress(Exception):  # gone by itself
                    rig.database.execute(f"KILL {number}")

    ways: list[Callable[[], object]] = [end_one, end_one]
    for proxy in proxies:
        ways += [
            proxy.cut,
            lambda proxy=proxy: proxy.lose_answer(b"COMMIT"),  # type: ignore[misc]
            lambda proxy=proxy: proxy.lose_request(b"COMMIT"),  # type: ignore[misc]
            lambda proxy=proxy: proxy.lose_answer(b"UPDATE"),  # type: ignore[misc]
            lambda proxy=proxy: proxy.lose_answer(b"SELECT sum"),  # type: ignore[misc]
        ]
    return ways
