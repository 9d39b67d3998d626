"""The rigs of the failover tests: a writer and its replicas, one table of five rows."""

from __future__ import annotations

from tests.failover.conftest import my_rig, pg_rig, rig

__all__ = ["my_rig", "pg_rig", "rig"]
