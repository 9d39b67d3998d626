"""The rig of the failover tests."""

from __future__ import annotations

from tests.failover.conftest import my_rig, pg_rig, rig

__all__ = ["my_rig", "pg_rig", "rig"]
