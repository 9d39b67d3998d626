"""Stopping replicas from replaying, and letting them go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.server_rig import Rig

STOP = {
    "postgresql": "SELECT pg_wal_replay_pause()",
    "mysql": "STOP SLAVE SQL_THREAD",
}
GO_ON = {
    "postgresql": "SELECT pg_wal_replay_resume()",
    "mysql": "START SLAVE SQL_THREAD",
}


def stop(rig: Rig, name: str) -> None:
    """Have a replica receive, and replay nothing."""
    rig.servers[name].execute(STOP[rig.engine])


def go_on(rig: Rig, name: str) -> None:
    """Let a replica replay again."""
    rig.servers[name].execute(GO_ON[rig.engine])


def resume_all(rig: Rig) -> None:
    """Let every replica replay."""
    for name in rig.replicas:
        go_on(rig, name)


@contextmanager
def stop_replay(rig: Rig) -> Iterator[None]:
    """Have no replica replay during a block."""
    for name in rig.replicas:
        stop(rig, name)
    try:
        yield
    finally:
        resume_all(rig)
