"""The role, and the one reason that decided it: the order of precedence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from routedb import errors
from routedb.routing import Reason, check_hint_shard, decide_role
from routedb.routing.role import CONSISTENCIES, PRECEDENCE, neutral_reason
from routedb.sql.statement import Hints, Kind, Statement
from routedb.topology.snapshot import Role

from .cluster import cluster

READ = Statement(Kind.READ, "SELECT", read_only=True)
WRITE = Statement(Kind.WRITE, "INSERT")
W, R = Role.WRITER, Role.REPLICA


@dataclass
class Situation:
    in_transaction: bool = False
    is_read_only: bool = False
    role: Role | None = None
    consistency: str | None = None


def hinted(**facts):
    return replace(READ, hints=Hints(**facts))


def decided(
    statement=READ,
    is_single=False,
    hints=True,
    options=None,
    reads_early=False,
    **situation,
):
    database = replace(cluster().databases["main"], **(options or {}))
    return decide_role(
        statement,
        statement.read_only,
        database,
        is_single,
        Situation(**situation),
        hints,
        reads_early,
    )


LOCAL = {"statement": replace(READ, reads_server_views=True)}
STRONG = {"options": {"consistency": "strong"}}
EVENTUAL = {"options": {"consistency": "eventual"}}
READS_WRITER = {"options": {"reads": "writer"}}


@pytest.mark.parametrize(
    ("facts", "role", "reason"),
    [
        ({}, R, Reason.PLAIN_READ),
        ({"statement": WRITE}, W, Reason.NOT_A_READ),
        ({"is_single": True}, W, Reason.SINGLE_NODE),
        (STRONG, W, Reason.STRONG),
        (LOCAL, W, Reason.ONE_SERVER),
        (LOCAL | {"role": R}, R, Reason.USING_ROLE),
        (LOCAL | {"in_transaction": True, "is_read_only": True}, W, Reason.ONE_SERVER),
        (EVENTUAL, R, Reason.PLAIN_READ),
        ({"consistency": "strong"}, W, Reason.STRONG),
        ({"statement": hinted(consistency="strong")}, W, Reason.STRONG),
        ({"statement": hinted(role="writer")}, W, Reason.HINT_ROLE),
        ({"statement": hinted(role="replica")}, R, Reason.HINT_ROLE),
        ({"statement": hinted(role="replica"), **READS_WRITER}, R, Reason.HINT_ROLE),
        ({"statement": hinted(role="writer"), "role": R}, W, Reason.HINT_ROLE),
        ({"statement": hinted(role="writer"), "hints": False}, R, Reason.PLAIN_READ),
        ({"role": R, **READS_WRITER}, R, Reason.USING_ROLE),
        ({"role": W}, W, Reason.USING_ROLE),
        ({"in_transaction": True}, W, Reason.WRITER_TRANSACTION),
        ({"in_transaction": True, "role": R}, R, Reason.USING_ROLE),
        (
            {"in_transaction": True, "is_read_only": True},
            R,
            Reason.DECLARED_READ_ONLY,
        ),
        ({"in_transaction": True, "reads_early": True}, R, Reason.PLAIN_READ),
        (READS_WRITER, W, Reason.READS_WRITER),
    ],
)
def test_the_first_reason_that_holds_decides(facts, role, reason):
    assert decided(**facts) == (role, reason)


@pytest.mark.parametrize("has_replicas", [True, False])
@pytest.mark.parametrize("reads", ["replica", "writer"])
@pytest.mark.parametrize("consistency", CONSISTENCIES)
@pytest.mark.parametrize("statement", [READ, WRITE, LOCAL["statement"]])
def test_a_plan_knows_the_reason_of_a_session_that_asks_for_nothing(
    statement, consistency, reads, has_replicas
):
    options = {"consistency": consistency, "reads": reads}
    database = replace(cluster().databases["main"], **options)
    known = neutral_reason(statement, statement.read_only, database, has_replicas)
    _, reason = decided(statement, not has_replicas, options=options)
    assert known is reason


def test_reasons_are_numbered_in_the_order_of_precedence():
    order = [reason for reason, _ in PRECEDENCE]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("facts", "fragment"),
    [
        ({"statement": hinted(role="boss")}, "role=boss"),
        ({"statement": hinted(consistency="x")}, "consistency=x"),
        ({"statement": replace(WRITE, hints=Hints(role="replica"))}, "INSERT writes"),
        ({"statement": WRITE, "role": R}, "using"),
    ],
)
def test_a_hint_that_cannot_be_followed_is_refused(facts, fragment):
    with pytest.raises(errors.HintError, match=fragment):
        decided(**facts)


def test_a_hint_names_a_shard_that_the_configuration_has():
    config = cluster()
    orders = config.databases["orders"]
    assert check_hint_shard(config, orders, 3) == 3
    for database, shard in ((orders, 4), (orders, -1), (config.databases["main"], 0)):
        with pytest.raises(errors.HintError, match=f"shard={shard}"):
            check_hint_shard(config, database, shard)
