"""What a statement's route would be, and why, without running anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from routedb import errors
from routedb.config.model import NodeConfig
from routedb.engine.plans.shadow_plans import unshadowed
from routedb.engine.route.columns import learn_columns
from routedb.engine.route.plan_tree import Step
from routedb.engine.session import Session
from routedb.routing import Route
from routedb.routing.decider import Decision, decide
from routedb.routing.plan import ParsedText
from routedb.routing.questions import ALL_ASKED, AskColumns, Asked
from routedb.routing.route import FragmentRun
from routedb.sql import Statement
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role

# What refuses a statement because no one group can answer it.
ONE_GROUP = frozenset({errors.ShardError, errors.CrossDatabaseError})


@dataclass(frozen=True, slots=True)
class Explanation:
    """A route that was decided and not taken. `nodes` may answer it now.

    `plan` is the tree of what is done: for a statement over several groups with a step
    for each fragment. `shows_plan`: the route alone would not say it.
    """

    statement: Statement
    route: Route
    nodes: tuple[NodeConfig, ...]
    plan: Step
    shows_plan: bool = False

    @property
    def database(self) -> str:
        """The name of the database."""
        return self.route.database

    @property
    def groups(self) -> tuple[int, ...]:
        """The numbers of its groups: shards, or (0,)."""
        return self.route.groups

    @property
    def role(self) -> Role:
        """Writer or replica."""
        return self.route.role

    @property
    def reason(self) -> str:
        """Why, in one line."""
        return self.route.reason

    def __str__(self) -> str:
        names = ", ".join(node.name for node in self.nodes) or "no node known yet"
        said = f"{self.route}: {self.reason} [{names}]"
        return "\n".join([said, *self.plan.lines()]) if self.shows_plan else said


def explain(session: Session, sql: Any, params: Any) -> Explanation:
    """Decide as `execute` would about the text `sql` with `params`. Raises what it
    would raise before sending anything but questions to the catalogs.

    In a shadow this is where the statement would go, not where it runs.
    """
    try:
        return explain_text(session, unshadowed(session.learn(sql)), params)
    except errors.Error as exc:
        raise session.as_frontend_error(exc) from exc.__cause__


def explain_text(session: Session, text: ParsedText, params: Any) -> Explanation:
    """Do as `explain` with a `text` that `session` has learnt and its `params`. Raises
    routedb's errors, not yet the driver's as well."""
    try:
        decided = decide(text, params, session, Asked(True, True))
        if isinstance(decided, AskColumns):
            learn_columns(session, text.plan, decided)
            decided = decide(text, params, session, ALL_ASKED)
    except (errors.ShardError, errors.CrossDatabaseError) as refusal:
        if type(refusal) not in ONE_GROUP:
            raise
        merger = session.core.merger
        return merger.explain(session, text, params, refusal)  # type: ignore[no-any-return]
    assert type(decided) is Decision  # nothing is left to be asked
    return _explained(session, text.plan.statement, decided)


def analyzed(
    session: Session, open_cursor: Callable[[], Any], sql: Any, params: Any
) -> Explanation:
    """Explain the text `sql` with `params` and run it in `session`, on a cursor that
    `open_cursor` opens: the plan has what came, and how long that took. Raises what
    either raises, and NotSupportedError for what is not certainly a read."""
    known = explain(session, sql, params)
    if not (session.learn(sql).plan.is_read and known.statement.kind is Kind.READ):
        raise session.as_frontend_error(
            errors.NotSupportedError(
                f"{known.statement.verb} is not certainly a read: to analyze it would "
                "run it"
            )
        )
    began = session.core.clock()
    with closing(open_cursor()) as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall() if cursor.description else ()
        seconds = session.core.clock() - began
        route, node = cursor.route, cursor.node
    plan = with_runs(known.plan, route.fragments)
    came = (("node", node.name), ("rows", len(rows)), ("seconds", seconds))
    plan = replace(plan, facts=(*plan.facts, *came))
    return replace(known, route=route, plan=plan, shows_plan=True)


def nodes_for(session: Session, decided: Decision) -> tuple[NodeConfig, ...]:
    """Return who may answer now what was `decided` in `session`."""
    if decided.node is not None:
        return (session.core.nodes[decided.node],)
    nodes: list[NodeConfig] = []
    for group in decided.groups:
        view = session.core.topology.groups[group]
        ids = view.read_ring if decided.role is Role.REPLICA else (view.writer,)
        nodes += [
            session.core.nodes[id_] for id_ in dict.fromkeys(ids) if id_ is not None
        ]
    return tuple(nodes)


def _explained(
    session: Session, statement: Statement, decided: Decision
) -> Explanation:
    nodes, route = nodes_for(session, decided), decided.route
    why = tuple(f"{said} ({reason.name})" for reason, said in route.reasons)
    names = tuple(node.name for node in nodes)
    plan = Step(f"one statement on {route}", (("nodes", names), ("why", why)))
    return Explanation(statement, route, nodes, plan)


def with_runs(step: Step, runs: Sequence[FragmentRun]) -> Step:
    """Return the tree of `step` in which each fragment has its `runs`, one a group."""
    steps = tuple(with_runs(each, runs) for each in step.steps)
    number = dict(step.facts).get("fragment")
    if number is None:
        return replace(step, steps=steps)
    own = [run for run in runs if run.number == number]
    done = tuple(
        Step(
            f"{run.database}[{run.group}] {run.role.value} {run.node}",
            (("rows", run.rows), ("bytes", run.bytes), ("seconds", run.seconds)),
        )
        for run in own
    )
    return replace(step, steps=(*steps, *done))
