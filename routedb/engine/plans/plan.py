"""What is worked out once per shape of text, so that a statement costs look-ups."""

from __future__ import annotations

from collections.abc import Callable

from routedb import errors
from routedb.config.model import ClusterConfig, DatabaseConfig
from routedb.routing import (
    Placement,
    Reason,
    Route,
    Rules,
    database_for,
    find_placement,
    route_for,
)
from routedb.session.pins import CATALOG
from routedb.sharding import ShardPlan
from routedb.sql import Scan, Statement
from routedb.sql.catalog.system_tables import is_catalog
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role

_NOWHERE = Route("", (), Role.UNKNOWN)  # of a plan that is refused

# A text with one of these kinds may run on a sharded database without a shard key.
_MOST_ROUTES = 256  # an INSERT's subsets of shards must not fill the memory
_LEAVE_KEYS = frozenset({"INSERT", "REPLACE", "MERGE", "COPY"})
_SHARDLESS = frozenset({Kind.TRANSACTION, Kind.SESSION})


class Plan:
    """One shape of text, placed. Shared by all connections; grows, never shrinks.

    `gid` is the group to run in when one is certain whatever the session does, else
    -1. `is_simple`: nothing but "pick a node and run it" is to be done. `refusal` is
    raised, anew each time, instead of running it.
    """

    __slots__ = (
        "_is_plain",
        "_shards",
        "_was_asked",
        "asks_catalog",
        "database",
        "dialect",
        "group_id",
        "tracks_reads",
        "has_session_effects",
        "is_read",
        "is_simple",
        "may_generate_key",
        "may_replica",
        "reads_own_writes",
        "names",
        "sticky_group",
        "sticky_route",
        "own_writes_route",
        "placement",
        "refusal",
        "replica_route",
        "routes",
        "shares_process_writes",
        "shows_data",
        "statement",
        "tx_route",
        "tx_replica_route",
        "writer_route",
    )

    def __init__(
        self, statement: Statement, dialect: str, rules: Rules, using: str | None
    ) -> None:
        config = rules.config
        self.statement = statement
        self.dialect = dialect
        self.routes: dict[tuple[object, ...], Route] = {}
        self.is_read = statement.read_only
        self.shows_data = _shows_data(statement)
        # What a temporary table may shadow, and what tells of such tables.
        self.asks_catalog = any(is_catalog(t, dialect) for t in statement.tables)
        self.names = _names(statement, self.asks_catalog)
        # It may give this session a key that it asks for later: LAST_INSERT_ID().
        self.may_generate_key = bool(statement.writes) and (
            statement.verb in _LEAVE_KEYS or statement.parts > 1
        )
        # It leaves something in the session, or takes something away.
        self.has_session_effects = bool(
            statement.session or statement.holds or statement.frees or statement.renames
        )
        self.has_session_effects |= (
            statement.verb == "CREATE VIEW"
        )  # on a temporary table
        self.group_id = -1
        self.is_simple = False
        self.sticky_group = -1
        self.writer_route = self.sticky_route = _NOWHERE
        self._is_plain = False
        self._was_asked = False
        self.may_replica = False
        self.refusal: errors.Error | None = None
        self.placement = Placement(None, Reason.DEFAULT, "no tables")
        self._shards: ShardPlan | None = None
        try:
            self.placement = find_placement(statement, rules, using)
        except errors.Error as refusal:
            self.refusal = refusal
        self.database = self._find_database(config)
        if self.refusal is None:
            self._settle(config)

    def route(
        self,
        groups: tuple[int, ...],
        role: Role,
        reason: Reason,
        database: str | None = None,
        shard: tuple[Reason, str] | None = None,
        is_home: bool = False,
    ) -> Route:
        """Return the route for this decision; the same object each time.

        Reasons about shards depend on numbers only, so `groups` stands for them.
        """
        name = self.database.name if database is None else database
        kind = None if shard is None else shard[0]
        key = (name, groups, role, reason, kind, is_home)
        route = self.routes.get(key)
        if route is None:
            route = route_for(
                self.placement,
                name,
                groups,
                role,
                reason,
                self.statement,
                shard,
                is_home,
            )
            if len(self.routes) < _MOST_ROUTES:
                self.routes[key] = route
        return route

    def shards(self, analyse: Callable[[], ShardPlan]) -> ShardPlan:
        """Return how to find this text's shards; `analyse` is called once."""
        if self._shards is None:
            self._shards = analyse()
        return self._shards

    def set_read(self, is_read: bool) -> None:
        """Take the catalog's, or a replica's, word on whether this only reads."""
        self.is_read = is_read
        self._was_asked = True
        self.routes.clear()
        self._settle_role()

    def _find_database(self, config: ClusterConfig) -> DatabaseConfig:
        database = database_for(config, self.placement.database)
        nowhere = self.placement.database is None and config.default is None
        if nowhere and len(config.databases) > 1 and self.refusal is None:
            self.refusal = errors.UnknownTableError(
                f"{self.statement.verb or 'the statement'} names no table, so nothing "
                f'says which database of {config.source} it is for: set default = "…", '
                'use conn.using("…") or /* routedb: database=… */'
            )
        return database

    def _settle(self, config: ClusterConfig) -> None:
        statement = self.statement
        hints = statement.hints if config.hints else None
        role_hinted = hints is not None and (
            hints.role is not None
            or hints.shard is not None
            or hints.key is not None
            or hints.consistency is not None
        )
        if not self.database.is_sharded:
            self.group_id = self.database.groups[0].id
        self._is_plain = (
            self.group_id >= 0
            and not statement.tx
            and not statement.session
            and not statement.needs
            and not role_hinted
            and statement.kind is not Kind.EMPTY
        )
        self._settle_role()

    def _settle_role(self) -> None:
        database = self.database
        has_replicas = not all(group.is_single for group in database.groups)
        self.shares_process_writes = database.consistency == "process"
        is_free = self.is_read and has_replicas and database.consistency != "strong"
        is_free = is_free and not self.statement.reads_server_views
        self.reads_own_writes = is_free and database.consistency != "eventual"
        # What such a read shows, later ones must not fall behind of.
        minds = has_replicas and database.consistency != "eventual"
        self.tracks_reads = self.is_read and self.shows_data and minds
        self.may_replica = is_free and database.reads == "replica"
        groups = (0,)
        self.writer_route = self.route(
            groups, Role.WRITER, self._writer_reason(has_replicas)
        )
        self.replica_route = self.route(groups, Role.REPLICA, Reason.PLAIN_READ)
        self.own_writes_route = self.route(groups, Role.WRITER, Reason.OWN_WRITES)
        at_home = self.placement.database is None  # no tables: where the transaction is
        self.tx_route, self.tx_replica_route = (
            self.route(groups, role, Reason.IN_TRANSACTION, is_home=at_home)
            for role in (Role.WRITER, Role.REPLICA)
        )
        self.is_simple = self._is_plain and (
            self.is_read
            or self._was_asked
            or not (has_replicas and self.statement.asks)
        )
        # Writes of other connections may matter to reads that share them.
        stays = self.may_replica and not self.shares_process_writes
        stays = stays or (self.is_read and not has_replicas)
        self.sticky_group = self.group_id if self.is_simple and stays else -1
        self.sticky_route = (
            self.replica_route if self.may_replica else self.writer_route
        )

    def _writer_reason(self, has_replicas: bool) -> Reason:
        """Say why the writer answers when nothing about the session matters."""
        if not self.is_read:
            return Reason.NOT_A_READ
        if not has_replicas:
            return Reason.SINGLE_NODE
        if self.database.consistency == "strong":
            return Reason.STRONG
        if self.statement.reads_server_views:
            return Reason.ONE_SERVER
        if self.database.reads == "writer":
            return Reason.READS_WRITER
        return Reason.NO_REPLICA


def _names(statement: Statement, asks_catalog: bool) -> frozenset[str]:
    names = {table.name for table in statement.tables}
    names.update(obj.name for obj in statement.frees if obj.name)
    if asks_catalog:
        names.add(CATALOG)
    return frozenset(names)


def _shows_data(statement: Statement) -> bool:
    """Tell whether running this may show the session what is in the database: not what
    is only about the session, nor a query without tables, such as SELECT @@version."""
    if statement.kind in (Kind.SESSION, Kind.TRANSACTION, Kind.EMPTY):
        return False
    is_query = statement.read_only and statement.verb in ("SELECT", "VALUES")
    return not is_query or bool(statement.tables or statement.asks)


class Text:
    """One text that a user sent: its plan, and the scan that holds its literals."""

    __slots__ = ("plan", "scan", "source")

    def __init__(self, source: str, plan: Plan, scan: Scan) -> None:
        self.source = source
        self.plan = plan
        self.scan = scan


def needs_shard(plan: Plan) -> bool:
    """Tell whether a shard must be found before this can run on a sharded database."""
    return plan.database.is_sharded and plan.statement.kind not in _SHARDLESS
