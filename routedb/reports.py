"""What this process knows of its nodes, and where its statements went: all runtimes,
those behind `connect()`, ORMs and `patch()` included."""

from __future__ import annotations

from routedb.engine.plans import tally
from routedb.engine.plans.tally import TALLY, Report, Tally
from routedb.runtime import Runtime
from routedb.topology.status import ClusterStatus


def status() -> ClusterStatus:
    """Return what this process knows of the nodes of all its configurations, without
    asking any: see `Cluster.status`. A node that two of them name is there twice."""
    runtimes = Runtime.all()
    nodes = (node for runtime in runtimes for node in runtime.status())
    counts = [runtime.core.ruleset.count_shapes() for runtime in runtimes]
    known, found, missed = (sum(each[n] for each in counts) for n in range(3))
    return ClusterStatus(nodes, replica_shares(), (known, found, missed))


def report() -> Report:
    """Return where the statements of this process went, by shape, role and reason.

    Of connections with `shadow = true`: where they would have gone. Those that were
    refused are counted in a shadow only, and what controls transactions is not.
    """
    return _tally().report()


def replica_shares() -> dict[str, float]:
    """Return which part of each database's statements went to replicas, so far."""
    roles = TALLY.roles()
    for runtime in Runtime.all():
        for cache in runtime.core.plan_caches:
            for _, route, count in cache.counts():
                roles[route.database, route.role] += count
    return tally.replica_shares(roles)


def _tally() -> Tally:
    caches = (cache for runtime in Runtime.all() for cache in runtime.core.plan_caches)
    return TALLY.with_counts(count for cache in caches for count in cache.counts())
