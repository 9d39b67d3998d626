"""From a request to the layout of its table: asked of placements and catalogs.

Only where a query is planned: executors are given the layout, and import less.
"""

from __future__ import annotations

from routedb import errors
from routedb.config.mask import config_error
from routedb.integrations.spark.layout import Layout
from routedb.integrations.spark.places import described, place_of, placed
from routedb.integrations.spark.request import Request
from routedb.integrations.spark.types import field_of


def layout_of(request: Request) -> Layout:
    """Ask where the table of `request` is, and what it has.

    Raises ConfigError, UnknownTableError, ProgrammingError where there is no such table
    or column, ShardError where shards differ, and what the driver raises.
    """
    bound = request.max_connections_per_node
    config = placed(request.source.load(), bound)
    place = place_of(config, request.table)
    answer = described(place, bound)
    engine = place.database.dialect
    if engine not in ("postgresql", "mysql", "sqlite"):
        raise errors.NotSupportedError(f"spark reads nothing of {engine}")
    fields = tuple(field_of(engine, column) for column in answer.info.columns)
    layout = Layout(
        engine,
        tuple(group.id for group in place.groups),
        place.text,
        fields,
        answer.info.primary_key,
        request.columns or tuple(field.name for field in fields),
        answer.info.is_view,
    )
    chosen = () if request.partition_key is None else (request.partition_key,)
    for name in (*layout.taken, *chosen):
        layout.field(name)
    _check_cases(layout.taken)
    return layout


def _check_cases(names: tuple[str, ...]) -> None:
    """Refuse names that are one to Spark, which does not tell capitals apart."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise config_error(
                f"columns {other} and {name} are one to Spark: name those you need in "
                "the option columns"
            )
