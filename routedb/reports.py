"""What this process knows of its nodes, and where its statements went: all runtimes,
those behind `connect()`, ORMs and `patch()` included."""

from __future__ import annotations

from routedb.engine.plans.tally import TALLY, Report, Tally
from routedb.runtime import Runtime
from routedb.topology.snapshot import Role
from routedb.topology.status import ClusterStatus


def status() -> ClusterStatus:
    """Return what this process knows of the nodes of all its configurations, without
    asking any: see `Cluster.status`. A node that two of them name is there twice."""
    found = [runtime.status() for runtime in Runtime.all()]
    return ClusterStatus(
        (node for each in found for node in each),
        sum(each.shapes for each in found),
        sum(each.shapes_found for each in found),
        sum(each.shapes_missed for each in found),
    )


def report() -> Report:
    """Return where the statements of this process went, by shape, role and reason.

    Of connections with `shadow = true`: where they would have gone. Those that were
    refused are counted in a shadow only, and what controls transactions is not.
    """
    return _tally().report()


def replica_shares() -> dict[str, float]:
    """Return which part of each database's statements went to replicas, so far."""
    roles = _tally().roles()
    shares = {}
    for database, _ in roles:
        counts = [roles[database, role] for role in (Role.REPLICA, Role.WRITER)]
        shares[database] = counts[0] / sum(counts)
    return shares


def _tally() -> Tally:
    caches = (cache for runtime in Runtime.all() for cache in runtime.core.plan_caches)
    return TALLY.with_counts(count for cache in caches for count in cache.counts())
