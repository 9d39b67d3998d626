"""The views over sharded tables in a text: their queries stand in their place."""

from __future__ import annotations

from typing import Any, NamedTuple

from routedb.engine.session import Session
from routedb.merge.catalogs import Catalogs, Known
from routedb.merge.placements import cluster_of
from routedb.merge.refused import NotMerged, check_reading
from routedb.planner import Cluster, Refusal, Sharded, with_views
from routedb.routing.plan import ParsedText
from routedb.sql.statement import Table

_DEPTH = 16  # of views in views


class Placed(NamedTuple):
    """A text without views over sharded tables, where its tables are, and what is known
    of them."""

    text: ParsedText
    cluster: Cluster
    known: Known


def placed(
    session: Session, catalogs: Catalogs, text: ParsedText, params: Any
) -> Placed:
    """Return `text`, which is to run with `params` in `session`, with the queries of
    such views in their place; `catalogs` know them.

    Raises NotMerged where that would be something else, ShardError for a view that is
    not the same on all shards, and what the driver raises.
    """
    for _ in range(_DEPTH):
        check_reading(text)
        cluster = cluster_of(session, text.plan)
        known = catalogs.find(session, cluster)
        queries = _queries(cluster, known, text.plan.dialect)
        if not queries:
            return Placed(text, cluster, known)
        if params is not None:  # a percent sign is two, then
            queries = {view: sql.replace("%", "%%") for view, sql in queries.items()}
        found = with_views(text.source, text.plan.dialect, queries)
        if isinstance(found, Refusal):
            raise NotMerged(found.reason)
        for view, query in queries.items():
            _check_place(session, view, cluster.tables[view].database, query)
        text = session.learn(found)
    raise NotMerged("views are defined by views, and so on")


def _queries(cluster: Cluster, known: Known, dialect: str) -> dict[Table, str]:
    """Return those of views in the `dialect` of the text."""
    return {
        table: answer.query
        for (database, table), answer in known.answers.items()
        if answer.query is not None
        and isinstance(cluster.tables[table], Sharded)
        and cluster.databases[database].dialect == dialect
    }


def _check_place(session: Session, view: Table, home: str, query: str) -> None:
    """The tables of a view are those of its own database: the rules of their names must
    say so. And no temporary table may hide them."""
    plan = session.learn(query).plan
    for table, placement in cluster_of(session, plan).tables.items():
        if placement.database != home:
            raise NotMerged(
                f"{table} in view {view} is in {placement.database} by the rules, and "
                f"the view in {home}"
            )
    if plan.names & session.pins.names:
        raise NotMerged(f"a temporary table has the name of one in view {view}")
