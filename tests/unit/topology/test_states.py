"""The node table is whole, and what must hold of every row does."""

from __future__ import annotations

from itertools import product

import pytest

from routedb.topology import NodeState
from routedb.topology.node_states import TABLE, News

USABLE = {NodeState.UP, NodeState.LAGGING}


def test_every_state_answers_every_kind_of_news():
    assert set(TABLE) == set(product(NodeState, News))


@pytest.mark.parametrize("state", NodeState)
@pytest.mark.parametrize("news", [News.LOST, News.REFUSED])
def test_no_failure_leaves_a_node_usable(state, news):
    assert TABLE[state, news] not in USABLE


@pytest.mark.parametrize("news", [News.FRESH, News.BEHIND])
def test_a_node_that_was_down_needs_two_answers(news):
    once = TABLE[NodeState.DOWN, news]
    assert once not in USABLE
    assert TABLE[once, news] in USABLE


@pytest.mark.parametrize(
    "news", [n for n in News if n not in (News.RESUME, News.LEAVE)]
)
def test_only_the_operator_ends_draining(news):
    assert TABLE[NodeState.DRAINING, news] is NodeState.DRAINING


@pytest.mark.parametrize("state", NodeState)
def test_only_joining_brings_back_a_node_that_left(state):
    gone = TABLE[state, News.LEAVE]
    assert {TABLE[gone, news] for news in set(News) - {News.JOIN}} == {NodeState.GONE}
    assert TABLE[gone, News.JOIN] is NodeState.UNKNOWN
