"""What is read, and how: the options of `spark.read.format("routedb")`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from routedb.config.mask import config_error
from routedb.integrations.spark.source import ConfigSource

PARTITION_ROWS = 100_000
CONNECTIONS = 4
_KEYS = (
    *("config", "config_command", "config_text", "table", "columns"),
    *("partition_rows", "partition_key", "max_connections_per_node"),
    *("load_id", "push_filters", "where"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """One table of a configuration, as it is to be read.

    `columns`: these only, in this order; none is all. `partition_rows`: a range of keys
    has at most so many. `partition_key`: the column that ranges are of, before the
    primary key. `max_connections_per_node`: reads of a node at the same time. `where`:
    the rows that meet this condition, in SQL of the table's engine; none is all.
    """

    source: ConfigSource
    table: str
    columns: tuple[str, ...] = ()
    partition_rows: int = PARTITION_ROWS
    partition_key: str | None = None
    max_connections_per_node: int = CONNECTIONS
    load_id: str = ""  # of what is written; "": a new one
    push_filters: bool = False
    where: str = ""

    @classmethod
    def of_options(cls, options: Mapping[str, str]) -> Request:
        """Return the request that Spark's `options` are. Raises ConfigError."""
        for key in options:
            if key.lower() not in _KEYS:
                allowed = ", ".join(_KEYS)
                raise config_error(
                    f"spark: no such option: {key}; allowed are {allowed}"
                )
        if not options.get("table"):
            raise config_error('spark: which table? .option("table", "orders")')
        listed = options.get("columns") or ""
        return cls(
            ConfigSource(
                options.get("config") or "",
                options.get("config_command") or "",
                options.get("config_text") or "",
            ),
            options["table"],
            tuple(name.strip() for name in listed.split(",") if name.strip()),
            _count(options, "partition_rows", PARTITION_ROWS),
            options.get("partition_key") or None,
            _count(options, "max_connections_per_node", CONNECTIONS),
            options.get("load_id") or "",
            options.get("push_filters") == "true",
            options.get("where") or "",
        )

    @property
    def options(self) -> dict[str, str]:
        """The same as options of Spark's."""
        said = {
            "config": self.source.path,
            "config_command": self.source.command,
            "config_text": self.source.text,
            "table": self.table,
            "columns": ",".join(self.columns),
            "partition_rows": str(self.partition_rows),
            "partition_key": self.partition_key or "",
            "max_connections_per_node": str(self.max_connections_per_node),
            "load_id": self.load_id,
            "push_filters": "true" if self.push_filters else "",
            "where": self.where,
        }
        return {key: value for key, value in said.items() if value}


def _count(options: Mapping[str, str], key: str, default: int) -> int:
    written = options.get(key)
    if written is None:
        return default
    if not written.isdecimal() or int(written) < 1:
        raise config_error(f"spark: {key} is a number above 0, not {written!r}")
    return int(written)
