"""Deadlocks over groups, by what servers say of waits."""

from __future__ import annotations

import pytest

from routedb.session.wait_for import Backend, Claim, Wait, claim_of, victims


def claims(*names: str) -> list[Claim]:
    """Transactions with a session of their number in each of three groups; the first
    began first."""
    return [
        Claim(name, float(at), tuple(Backend(group, at) for group in "abc"))
        for at, name in enumerate(names)
    ]


def waits(*pairs: str) -> list[Wait]:
    """`a12`: on a, the session 1 waits for 2."""
    return [
        Wait(Backend(pair[0], int(pair[1])), Backend(pair[0], int(pair[2])))
        for pair in pairs
    ]


CASES = [
    ((), set()),
    (("a01",), set()),
    (("a01", "b01"), set()),
    (("a01", "b12"), set()),
    (("a01", "b10"), {"y"}),
    (("b10", "a01"), {"y"}),
    (("a01", "b12", "c20"), {"z"}),
    (("a01", "b12", "c21"), {"z"}),  # of y and z; x waits for both
    # Over a session of somebody who is on one server alone.
    (("a09", "a91", "b10"), {"y"}),
    (("a09", "b91", "b10"), set()),  # 9 on a is not 9 on b
    # What a server sees by itself is its own affair.
    (("a01", "a10"), set()),
    (("a89", "a98"), set()),
    (("a01", "b10", "c22"), {"y"}),
]


@pytest.mark.parametrize(("pairs", "ended"), CASES)
def test_the_youngest_of_a_cycle_over_groups_is_ended(pairs, ended):
    assert victims(claims("x", "y", "z"), waits(*pairs)) == ended


def test_two_deadlocks_have_two_victims():
    found = victims(claims("v", "w", "x", "y"), waits("a01", "b10", "a23", "b32"))
    assert found == {"w", "y"}


def test_of_two_that_began_at_once_one_is_ended():
    two = [each._replace(began=1.0) for each in claims("x", "y")]
    assert victims(two, waits("a01", "b10")) == {"y"}
    assert victims(two[::-1], waits("b10", "a01")) == {"y"}


def test_a_claim_is_read_back():
    (claim,) = claims("x")
    assert claim_of("x", claim.text) == claim
