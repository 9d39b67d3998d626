"""The outcome of a step of the demo, compared with what the script expects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from routedb import errors
from routedb.cli.demo.script import Step
from routedb.cli.demo.shop import REPLICAS
from routedb.config.mask import mask
from routedb.routing import Reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one step. `trouble` says what the script expected instead."""

    sql: str
    route: str
    reason: str
    node: str = ""
    gave: str = ""
    is_refused: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class StatementResult:
    """The result of a statement that was not refused."""

    route: str  # "" for the control of a transaction
    reasons: tuple[tuple[Reason, str], ...]
    node: str
    rows: list[tuple[Any, ...]] | None
    count: int


def check_result(step: Step, result: StatementResult, away: list[str]) -> Outcome:
    """Compare the `result` of a statement with its `step`; `away` are the replicas out
    of reach."""
    reason = "; ".join(text for _, text in result.reasons)
    trouble = "; ".join(_troubles(step, result, away))
    return Outcome(
        step.sql, result.route, reason, result.node, _gave(result), trouble=trouble
    )


def check_refusal(step: Step, exc: errors.Error) -> Outcome:
    """Compare the error `exc` with the one that `step` expects, if any."""
    name = _error_name(exc)
    trouble = "" if name == step.route else f"expected {step.route or 'no error'}"
    return Outcome(
        step.sql, name, mask(str(exc)), is_refused=not trouble, trouble=trouble
    )


def _error_name(exc: errors.Error) -> str:
    """Return routedb's own name of a class that is the driver's as well."""
    own = (kind for kind in type(exc).__mro__ if kind.__module__ == errors.__name__)
    return next(own).__name__


def _gave(result: StatementResult) -> str:
    if not result.route:
        return ""
    if result.rows is None:
        return f"{result.count} written"
    if len(result.rows) == 1:
        return ", ".join(map(str, result.rows[0]))
    return f"{len(result.rows)} rows"


def _troubles(step: Step, result: StatementResult, away: list[str]) -> Iterator[str]:
    """Yield each difference between `result` and what the script expects."""
    if step.route not in (result.route, _with_any_shard(result.route)):
        yield f"expected route {step.route or 'of no statement'}"
    nodes = _nodes(step.route, away)
    if nodes and result.node not in nodes:
        yield f"expected node {' or '.join(nodes)}"
    if step.why is not None and step.why not in dict(result.reasons):
        yield f"expected reason {step.why.name}"
    if step.rows is not None and step.rows != result.rows:
        yield f"expected rows {step.rows}, not {result.rows}"
    if step.count is not None and step.count != result.count:
        yield f"expected {step.count} rows written, not {result.count}"


def _with_any_shard(route: str) -> str:
    database, bracket, rest = route.partition("[")
    return f"{database}[any]{rest.partition(']')[2]}" if bracket else route


def _nodes(route: str, away: list[str]) -> list[str]:
    """Return the nodes that may answer; none where more than one shard may."""
    place, _, role = route.partition(" ")
    database, _, shard = place.rstrip("]").partition("[")
    if database == "main":
        there = [replica for replica in REPLICAS if replica not in away]
        return there if role == "replica" else ["main-writer"]
    if shard == "any" or not role:
        return []
    names = [f"{database}-{number}" for number in shard.split(",") if number]
    return [", ".join(names) or database]
