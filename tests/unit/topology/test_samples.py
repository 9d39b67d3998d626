"""What samples prove of the nodes: until when each holds what the writer had."""

from __future__ import annotations

from math import inf

import pytest

from routedb.errors import Fault
from routedb.events import NodeAnswered, NodeFailed
from routedb.topology import Answer, Limits, Role, initial, update
from routedb.topology.samples import MOST_EARLIER
from tests.support.configs import cluster

W, A, B = 0, 1, 2
CONFIG = cluster(["w", "a", "b"])


def told(*news):
    """The group after these answers, each (node, lsn, asked at) and a timeline; or a
    failure, as the id of a node."""
    snapshot, limits = initial(CONFIG), Limits.of(CONFIG)
    event: NodeAnswered | NodeFailed
    for each in news:
        if isinstance(each, int):
            event = NodeFailed(each, 0, "gone", Fault.REFUSED)
        else:
            node, lsn, asked_at, *rest = each
            timeline = rest[0] if rest else "1"
            role = rest[1] if len(rest) > 1 else None
            role = role or (Role.WRITER if node == W else Role.REPLICA)
            position = None if lsn is None else f"0/{lsn:X}"
            answer = Answer(role, "", position, timeline, 0.0)
            generation = snapshot.groups[0].find(node).generation
            event = NodeAnswered(node, generation, answer, asked_at)
        snapshot = update(snapshot, event, 0.0, limits)
    return snapshot.groups[0]


HELD = {
    "nothing is known": (((A, 9, 1.0),), -inf),
    "it has come to the sample": (((W, 9, 1.0), (A, 9, 2.0)), 1.0),
    "it had come so far before the sample was asked for": (
        ((A, 9, 1.0), (W, 9, 2.0)),
        2.0,
    ),
    "it is behind the only sample": (((W, 9, 1.0), (A, 8, 2.0)), -inf),
    "it has come to an earlier one": (
        ((W, 9, 1.0), (W, 10, 2.0), (W, 11, 3.0), (A, 10, 3.0)),
        2.0,
    ),
    "it holds what it held when newer samples come": (
        ((W, 9, 1.0), (A, 9, 1.5), (W, 10, 2.0)),
        1.0,
    ),
    "nobody wrote between two samples": (((W, 9, 1.0), (W, 9, 2.0), (A, 9, 2.5)), 2.0),
    "it has no position": (((W, 9, 1.0), (A, 9, 1.5), (A, None, 2.0)), -inf),
    "it was set back": (((W, 9, 1.0), (A, 9, 1.5), (A, 3, 2.0)), -inf),
    "it is on another timeline": (((W, 9, 1.0), (A, 9, 2.0, "2")), -inf),
    "the writer has another timeline now": (
        ((W, 9, 1.0), (A, 9, 1.5), (W, 10, 2.0, "2")),
        -inf,
    ),
    "the writer was set back": (((W, 9, 1.0), (A, 9, 1.5), (W, 8, 2.0)), 2.0),
    "an answer that was asked for earlier comes late": (
        ((W, 9, 1.0), (A, 9, 3.0), (A, 5, 2.0)),
        1.0,
    ),
    "a late answer of the writer is no sample": (
        ((W, 9, 3.0), (W, 5, 2.0), (A, 5, 4.0)),
        -inf,
    ),
    "it failed, and has it all the same": (((W, 9, 1.0), (A, 9, 2.0), A), 1.0),
}


@pytest.mark.parametrize(("news", "until"), HELD.values(), ids=HELD)
def test_until_when_a_replica_holds_all(news, until):
    assert told(*news).find(A).holds_until == until


def test_samples_of_one_writer_prove_nothing_of_another():
    """Even where the new one has all that the old one had: what was acknowledged by the
    new one before is in no sample of the old."""
    group = told((W, 9, 1.0), (B, 9, 1.0), (W, 10, 5.0), (B, 11, 6.0, "2", Role.WRITER))
    assert group.writer == B
    assert (group.earlier, group.sample.node) == ((), B)
    assert group.find(W).holds_until == -inf


def test_so_many_are_kept_and_no_more():
    news = [(W, 1000 + n, float(n)) for n in range(3 * MOST_EARLIER)]
    group = told(*news)
    assert len(group.earlier) == MOST_EARLIER
    times = [sample.asked_at for sample in (group.sample, *group.earlier)]
    assert times == sorted(times, reverse=True)
