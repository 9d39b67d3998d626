"""What is worked out once per shape of text, so that a statement costs look-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from routedb import errors
from routedb.config.model import ClusterConfig
from routedb.routing.placement import (
    NO_TABLES,
    check_dialect,
    database_for,
    find_placement,
)
from routedb.routing.role import SHARDLESS, neutral_reason, route_for, shows_data
from routedb.routing.route import Reason, Route
from routedb.routing.rules import Rules
from routedb.routing.shard_plans import ShardPlans
from routedb.session.pins import CATALOG
from routedb.sql import Reading, Scan, Statement
from routedb.sql import scan as take_apart
from routedb.sql.catalog.system_tables import is_catalog
from routedb.sql.emptied import VERBS as EMPTYING
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role

_REFUSED = Route("", (), Role.UNKNOWN)  # of a plan that is refused
_ONE_GROUP = (0,)

_MOST_ROUTES = 256  # an INSERT's subsets of shards must not fill the memory
_KEY_VERBS = frozenset({"INSERT", "REPLACE", "MERGE", "COPY"})


class Plan:
    """One shape of text, placed. Shared by all connections; grows, never shrinks.

    It is made of the `statement` that the text is in this `dialect`, by the table
    `rules`, for connections that are `using` a database, None for plain ones. `reading`
    is how the text was read, where a session's mode decides that.

    `group_id` is the group to run in when one is certain whatever the session does,
    else -1. `is_simple`: nothing but "pick a node and run it" is to be done. `reason`
    is why a session that asks for nothing special goes where it goes. `refusal` is
    raised, anew each time, instead of running the text. The routes of the fast path
    are None until one is needed.
    """

    __slots__ = (
        "_is_plain",
        "_was_asked",
        "asks_catalog",
        "begin_route",
        "begins_on_writer",
        "changes_mode",
        "database",
        "dialect",
        "empties",
        "group_id",
        "guard",
        "has_effects",
        "has_session_effects",
        "is_read",
        "is_sharded",
        "is_simple",
        "may_change_transaction",
        "may_generate_key",
        "may_replica",
        "names",
        "own_writes_route",
        "placement",
        "reading",
        "reads_own_writes",
        "reason",
        "refusal",
        "replica_route",
        "routes",
        "rules",
        "shape",
        "shards",
        "shares_process_writes",
        "shows_data",
        "statement",
        "sticky_group",
        "sticky_route",
        "take_apart",
        "tracks_reads",
        "tx_replica_route",
        "tx_route",
        "ways",
        "writer_route",
    )

    def __init__(
        self,
        statement: Statement,
        dialect: str,
        rules: Rules,
        using: str | None,
        reading: Reading | None = None,
    ) -> None:
        config = rules.config
        self.rules, self.statement = rules, statement
        self.dialect, self.reading = dialect, reading
        # Set by who made the plan: the text without its literals, and what finds them.
        self.shape = ""
        self.take_apart: Callable[[str], Scan] = partial(take_apart, dialect=dialect)
        self.routes: dict[tuple[object, ...], Route] = {}
        self.ways: dict[tuple[object, ...], Route] = {}  # those that have the counts
        self.is_read, self.shows_data = statement.read_only, shows_data(statement)
        self.guard = rules.guard(statement.tables) if rules.has_moving else 0
        self._note_names()
        self._note_effects(config)
        self.shards = ShardPlans()
        self._was_asked = False
        self.writer_route: Route | None = None
        self.replica_route: Route | None = None
        self.own_writes_route: Route | None = None
        self.tx_route: Route | None = None
        self.tx_replica_route: Route | None = None
        self.begin_route: Route | None = None
        self._place(rules, using)
        self._settle_role()

    def _note_names(self) -> None:
        """Note what a temporary table may hide, and what tells of such tables."""
        statement = self.statement
        self.asks_catalog = False
        names = []
        for table in statement.tables:
            names.append(table.name)
            self.asks_catalog = self.asks_catalog or is_catalog(table, self.dialect)
        self.names = frozenset(names)
        if statement.frees or self.asks_catalog:
            self.names |= _other_names(statement, self.asks_catalog)

    def _note_effects(self, config: ClusterConfig) -> None:
        """Note what it may leave in a session, and do to a transaction."""
        statement = self.statement
        # It may give this session a key that it asks for later: LAST_INSERT_ID().
        self.may_generate_key = bool(statement.writes) and (
            statement.verb in _KEY_VERBS or statement.parts > 1
        )
        # It leaves something in the session, or takes something away; a view does that
        # may be on a temporary table.
        self.has_session_effects = bool(
            statement.session or statement.holds or statement.frees or statement.renames
        )
        # What was prepared may set something, and so may a body.
        self.has_session_effects |= statement.verb in ("CREATE VIEW", "EXECUTE", "DO")
        # It may begin or end a transaction: so may what was not understood.
        self.may_change_transaction = (
            bool(statement.tx) or statement.kind is Kind.UNKNOWN
        )
        # A session may read later texts in another way than this one. What a routine of
        # MySQL's sets of that is undone at its end.
        self.changes_mode = bool(statement.session) or statement.verb == "EXECUTE"
        if statement.kind is Kind.UNKNOWN:
            self.changes_mode = any(
                database.dialect == "mysql" for database in config.databases.values()
            )
        self.has_effects = self.has_session_effects or self.may_change_transaction
        # It may need a database without sessions: see sql/emptied.py.
        self.empties = self.dialect == "postgresql" and statement.verb in EMPTYING

    def _place(self, rules: Rules, using: str | None) -> None:
        """Find the database that it belongs to, or why there is none."""
        config = rules.config
        self.placement = NO_TABLES
        self.refusal: errors.Error | None = None
        try:
            placement = find_placement(self.statement, rules, using)
            check_dialect(self.statement, placement, config, self.dialect)
            self.placement = placement
        except errors.Error as refusal:
            self.refusal = refusal
        self.database = database_for(config, self.placement.database)
        if self.placement.database is None and config.default is None:
            self._check_database(config)
        self.is_sharded = self.database.is_sharded
        self.group_id = -1 if self.is_sharded else self.database.groups[0].id
        self._is_plain = self.refusal is None and self._needs_nothing(config.hints)

    def route(
        self,
        groups: tuple[int, ...],
        role: Role,
        reason: Reason,
        database: str | None = None,
        shard: tuple[Reason, str] | None = None,
        is_home: bool = False,
    ) -> Route:
        """Return the route for a decision on `role`; the same object each time.

        `groups` are the numbers of the groups in the database, and stand for `shard`,
        the reason about shards, as well. `database` is the name of another one than the
        plan's; `is_home` says that it is where the transaction is.
        """
        name = self.database.name if database is None else database
        kind = None if shard is None else shard[0]
        key = (name, groups, role is Role.WRITER, reason, kind, is_home)
        route = self.routes.get(key)
        if route is None:
            statement = self.statement
            route = route_for(
                self.placement, name, groups, role, reason, statement, shard, is_home
            )
            known = self.ways.setdefault(
                (name, role is Role.WRITER, kind, reason), route
            )
            if known is not route:
                route.count_with(known)
            if len(self.routes) < _MOST_ROUTES:
                self.routes[key] = route
        return route

    def counted(self, route: Route) -> Route:
        """Return a route that is not of `route`, whose hits are counted here, too: with
        those of all that differ in the numbers of their shards only."""
        way = (route.database, route.role, *(reason for reason, _ in route.reasons))
        known = self.ways.setdefault(way, route)
        if known is not route:
            route.count_with(known)
        return route

    @property
    def counts(self) -> Iterator[tuple[Route, int]]:
        """How many statements went which way, so far."""
        for route in list(self.ways.values()):
            if route.hits[0]:
                yield route, route.hits[0]

    # The routes of the fast path, each worked out when it is first taken.

    def to_writer(self) -> Route:
        """Return the route to the writer of a session that asks for nothing special."""
        reason = self.reason
        if reason is Reason.PLAIN_READ:  # and yet it is not a replica's
            reason = Reason.NO_REPLICA
        route = self.writer_route = self.route(_ONE_GROUP, Role.WRITER, reason)
        return route

    def to_replica(self) -> Route:
        """Return the route of a plain read to a replica."""
        route = self.replica_route = self.route(
            _ONE_GROUP, Role.REPLICA, Reason.PLAIN_READ
        )
        return route

    def to_own_writes(self) -> Route:
        """Return the route of a plain read that no replica is known to answer."""
        self.own_writes_route = self.route(_ONE_GROUP, Role.WRITER, Reason.OWN_WRITES)
        return self.own_writes_route

    def to_begin(self) -> Route:
        """Return the route of the first statement of a read-write transaction that is
        asked for nothing special."""
        reason = self.reason
        if reason in (Reason.READS_WRITER, Reason.PLAIN_READ):
            reason = Reason.WRITER_TRANSACTION
        route = self.begin_route = self.route(_ONE_GROUP, Role.WRITER, reason)
        return route

    def in_transaction(self, on_writer: bool) -> Route:
        """Return the route to the link that the transaction has."""
        role = Role.WRITER if on_writer else Role.REPLICA
        # Without tables it goes where the transaction is.
        is_home = self.placement.database is None
        route = self.route(_ONE_GROUP, role, Reason.IN_TRANSACTION, is_home=is_home)
        if on_writer:
            self.tx_route = route
        else:
            self.tx_replica_route = route
        return route

    @property
    def uses(self) -> int:
        """How many statements were run by this plan, so far."""
        return sum([route.hits[0] for route in list(self.ways.values())])

    @property
    def needs_shard(self) -> bool:
        """Tell whether a shard must be found before this can run."""
        return self.is_sharded and self.statement.kind not in SHARDLESS

    def refuse(self, refusal: errors.Error) -> None:
        """Raise `refusal` instead of running the text."""
        self.refusal = refusal
        self._is_plain = self.is_simple = False
        self.sticky_group = -1

    def set_read(self, is_read: bool) -> None:
        """Take the catalog's, or a replica's, word on whether this only reads."""
        self.is_read = is_read
        self._was_asked = True
        self.routes.clear()
        self._settle_role()

    def _check_database(self, config: ClusterConfig) -> None:
        if len(config.databases) > 1 and self.refusal is None:
            self.refusal = errors.UnknownTableError(
                f"{self.statement.verb or 'the statement'} names no table, so nothing "
                f'says which database of {config.source} it is for: set default = "…", '
                'use conn.using("…") or /* routedb: database=… */'
            )

    def _needs_nothing(self, reads_hints: bool) -> bool:
        """Tell whether running it on a node is all there is to do."""
        statement = self.statement
        hints = statement.hints if reads_hints else None
        is_role_hinted = hints is not None and (
            hints.role is not None
            or hints.shard is not None
            or hints.key is not None
            or hints.consistency is not None
        )
        return not (
            self.group_id < 0
            or self.empties
            or statement.tx
            or statement.session
            or statement.needs
            or statement.holds
            or statement.verb in ("DO", "DROP INDEX", "ALTER INDEX")
            or is_role_hinted
            or statement.kind is Kind.EMPTY
            or (self.changes_mode or self.placement.fills is not None)
            or (self.reading is not None and self.reading.is_fragile)
        )

    def _settle_role(self) -> None:
        """Work out what the fast path looks at."""
        database = self.database
        has_replicas = database.has_replicas
        is_eventual = database.consistency == "eventual"
        self.reason = neutral_reason(
            self.statement, self.is_read, database, has_replicas
        )
        is_free = self.is_read and has_replicas and database.consistency != "strong"
        is_free = is_free and not self.statement.reads_server_views
        is_free = is_free and not self.statement.asks_server
        self.reads_own_writes = is_free and not is_eventual
        self.shares_process_writes = database.consistency == "process"
        # What such a read shows, later ones must not fall behind of.
        self.tracks_reads = (
            self.is_read and self.shows_data and has_replicas and not is_eventual
        )
        self.may_replica = self.reason is Reason.PLAIN_READ
        self.writer_route = self.replica_route = self.own_writes_route = None
        self.tx_route = self.tx_replica_route = self.begin_route = None
        self.is_simple = self._is_plain and (
            self.is_read
            or self._was_asked
            or not (has_replicas and self.statement.asks)
        )
        # As the first statement of a transaction: it is on tables, which says where the
        # transaction is at home, and no replica may answer it before that has written.
        self.begins_on_writer = (
            self.is_simple
            and self.placement.database is not None
            and not (self.is_read and database.transaction_reads == "replica")
        )
        # Writes of other connections may matter to reads that share them.
        stays = self.may_replica and not self.shares_process_writes
        stays = stays or (self.is_read and not has_replicas)
        self.sticky_group = self.group_id if self.is_simple and stays else -1
        self.sticky_route = _REFUSED
        if self.sticky_group >= 0:
            self.sticky_route = (
                self.to_replica() if self.may_replica else self.to_writer()
            )
        if self.sticky_group >= 0 and self.may_replica and not is_eventual:
            self.to_own_writes()


class ParsedText:
    """One text that a user sent, `source`, with its plan; `scan` has it taken apart,
    None as long as nobody has asked for that."""

    __slots__ = ("_scan", "plan", "source")

    def __init__(self, source: str, plan: Plan, scan: Scan | None = None) -> None:
        self.source = source
        self.plan = plan
        self._scan = scan

    @property
    def scan(self) -> Scan:
        """The text taken apart, which has its literals: hardly any statement asks."""
        scan = self._scan
        if scan is None:
            scan = self._scan = self.plan.take_apart(self.source)
        return scan


def _other_names(statement: Statement, asks_catalog: bool) -> set[str]:
    names = {obj.name for obj in statement.frees if obj.name}
    if asks_catalog:
        names.add(CATALOG)
    return names
