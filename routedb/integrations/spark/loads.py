"""Which partitions of a load were written: rows of `routedb_loads`, beside the table.

A partition's row is written in the transaction of its rows, so both are there or
neither, and whoever writes the partition again finds it. Each group of the table's
database has the table; which of them has a row is told by the partition's number.
"""

from __future__ import annotations

from dataclasses import replace

from routedb import errors
from routedb.config.model import ClusterConfig, ShardFunction, TableRule
from routedb.integrations.spark.places import Place
from routedb.integrations.spark.sessions import Session, read_somewhere

TABLE = "routedb_loads"
_MADE = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (load_id varchar(190) NOT NULL, "
    "part integer NOT NULL, written bigint NOT NULL, "
    "at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (load_id, part))"
)
LOOKED_FOR = f"SELECT written FROM {TABLE} WHERE load_id = %s AND part = %s"
NOTED = f"INSERT INTO {TABLE} (load_id, part, written) VALUES (%s, %s, %s)"


def make(place: Place, bound: int) -> None:
    """Make the table of loads in each group of the database of `place`, over one of
    `bound` connections. Raises what the driver raises."""
    database = replace(place.database, reads="writer")
    for group in database.groups:
        read_somewhere(database, group, bound, 0, _made)


def with_rule(config: ClusterConfig, place: Place) -> ClusterConfig:
    """Return `config` with a rule for the table of loads in the database of `place`."""
    sharded = place.database.is_sharded
    rule = TableRule(
        TABLE,
        None,
        TABLE,
        place.database.name,
        "part" if sharded else None,
        ShardFunction("modulo") if sharded else None,
    )
    return replace(config, tables=(rule, *config.tables))


def _made(session: Session) -> None:
    try:
        session.run(_MADE)
    except Exception as exc:
        # Two that make it at the same time: it is there for the one that fails.
        session.adapter.adopt(exc)
        if not isinstance(exc, errors.IntegrityError):
            raise
