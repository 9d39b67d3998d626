"""The shapes of the small tables inside a database: nodes, pools, limits of merging."""

from __future__ import annotations

import msgspec


class NodeEntry(msgspec.Struct, forbid_unknown_fields=True):
    """A node written as a table."""

    dsn: str
    """Where the server is: ``dsn = "postgresql://app@db2/shop"``"""

    weight: float = 1.0
    """Its share of reads among replicas: ``weight = 2``

    :type: number above 0
    """

    name: str | None = None
    """What errors and explanations call it; unique: ``name = "east"``

    :default: host, port and database
    """

    balanced: bool = False
    """It is meant that connections to it lead to several servers, as a balancer's do
    (:doc:`failover`): ``balanced = true``"""


class PoolEntry(msgspec.Struct, forbid_unknown_fields=True):
    """A pool written as a table."""

    min: int = 0
    """Links that are kept open: ``min = 2``

    :default: ``0``
    """

    max: int = 10
    """The most that are open, for each node and process: ``max = 20``"""

    max_idle: str | float = "5m"
    """Above ``min``, an unused link is closed after this: ``max_idle = "1m"``"""

    wait_timeout: str | float = "30s"
    """Bounds waiting for a link while all are in use: ``wait_timeout = "2s"``"""


class MergeEntry(msgspec.Struct, forbid_unknown_fields=True):
    """What statements over several groups may take."""

    max_bytes: str | int = "256MB"
    """No more than about so much comes to be merged, of all groups together:
    ``max_bytes = "1GB"``

    :type: size or ``"off"``
    """

    max_rows: str | int | None = None
    """No more rows than these: ``max_rows = 100_000``

    :type: number or ``"off"``
    :default: ``"off"``
    """

    timeout: str | float | None = None
    """Bounds the whole statement, which is cancelled then: ``timeout = "30s"``

    :type: duration or ``"off"``
    :default: ``"off"``
    """

    work_node: str | None = None
    """The node that works out what is left to do over the rows of all groups; on SQLite
    that is done in memory: ``work_node = "db3"``

    :type: name of a node
    :default: one that the statement reads from
    """

    tables_above: int | None = None
    """With more rows than these the rest is worked out over temporary tables, with
    fewer they are a part of its text: ``tables_above = 0``

    :default: what is faster (:doc:`joins`)
    """
