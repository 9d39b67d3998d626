"""Tokens: short texts that come back as what they stood for, or are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import routedb
from routedb.session.tokens import UNKNOWN_POSITION, GroupRef, read_token, write_token
from routedb.topology.positions import (
    GtidPosition,
    GtidSet,
    Position,
    WalPosition,
    read_position,
)

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
# RFC 6265, cookie-octet, without what a URL's query would have to escape.
FIT = re.compile(r"[A-Za-z0-9!%._~-]*")

places = st.builds(
    GroupRef, st.text(min_size=1), st.none() | st.integers(min_value=0, max_value=999)
)
positions = st.one_of(
    st.builds(
        WalPosition,
        st.integers(min_value=1, max_value=2**31),
        st.integers(min_value=0, max_value=2**64 - 1),
    ),
    st.builds(
        GtidPosition,
        st.dictionaries(
            st.integers(0, 99),
            st.tuples(st.integers(0, 99), st.integers(0, 2**64 - 1)),
            min_size=1,
        ),
    ),
    st.just(GtidSet({UUID: ((1, 5), (7, 7))})),
    st.just(UNKNOWN_POSITION),
)


@given(seen=st.lists(st.tuples(places, positions), max_size=5))
def test_a_token_comes_back_as_it_was(seen):
    token = write_token(seen)
    assert FIT.fullmatch(token)
    assert read_token(token) == seen


def test_a_token_is_short():
    at = read_position("postgresql", "0/3000060", "1")
    assert at is not None
    assert write_token([(GroupRef("main", None), at)]) == "1~main!!w1.3000060"


def test_nothing_seen_is_a_token_too():
    assert read_token(write_token([])) == []


@pytest.mark.parametrize(
    "text",
    [
        *("", "2", "1~", "1~main", "1~main!!", "1~main!!w", "1~main!!w1", "1~main!!q1"),
        *("1~main!x!w1.1", "1~main!!w1.1.1", "1~main!!wg.1", "1~main!!g1-2"),
        *("1~main!-1!x", "1~main! 1!x", "1~main!\uff11!x", "1~main!1_0!x"),
        *("1~main!!w-1.1", "1~main!!w1.-1", "1~main!!w0x1.1", "1~main!!w1.1_0"),
        *(f"1~main!!w1.{'f' * 5000}", f"1~main!!w{'f' * 9}.1", f"1~main!{'9' * 10}!x"),
        *(f"1~main!!g0-1-{'9' * 21}", "1~main!!g0-1-\u0661", "1~main!!W1.1"),
        *("1~main!!s1", "1~main!!xx", "1~a!b!c!d", "1" * 20_000, "1~main!!w1.1\n~"),
        *(None, b"1", 1),
    ],
)
def test_what_is_no_token_is_refused(text):
    with pytest.raises(routedb.ProgrammingError, match="no token"):
        read_token(text)


@given(st.text() | st.text(alphabet="1~!wgsx-._0:").map(lambda text: "1~main!!" + text))
def test_no_text_does_anything_else(text):
    try:
        read_token(text)
    except routedb.ProgrammingError:
        return


def test_nothing_covers_what_is_not_known():
    assert not UNKNOWN_POSITION.covers(UNKNOWN_POSITION)
    assert not WalPosition(1, 1).covers(UNKNOWN_POSITION)


KEYS = ["a key of sixteen bytes and more", "an older key of sixteen bytes"]
ANY = GtidPosition({0: (1, 100)})
SEEN: list[tuple[GroupRef, Position]] = [
    (GroupRef("main", None), WalPosition(1, 0x3000060)),
    (GroupRef("o", 2), ANY),
]


def test_a_signed_token_comes_back_as_it_was_by_every_key_that_is_known():
    token = write_token(SEEN, KEYS)
    assert FIT.fullmatch(token)
    for keys in (KEYS, KEYS[:1], KEYS[::-1], []):
        assert read_token(token, keys) == SEEN
    assert read_token(write_token(SEEN, KEYS[1:]), KEYS) == SEEN


def changed(token):
    """The token with any one character replaced, dropped or doubled, cut or grown."""
    for at, letter in enumerate(token):
        other = "1" if letter != "1" else "2"
        yield token[:at] + other + token[at + 1 :]
        yield token[:at] + token[at + 1 :]
        yield token[:at] + letter + token[at:]
        yield token[:at]
    yield token + "~"
    yield token + "="


def test_a_token_that_anybody_has_changed_is_refused():
    token = write_token(SEEN, KEYS)
    body, _, signature = token.rpartition("~")
    other = write_token(SEEN, ["some other key of that length"])
    forged = [
        *changed(token),
        *(write_token(SEEN), write_token([]), "1", "2", "", "2~", f"{body}~", body),
        *(other, f"1{token[1:]}", f"{body}~{signature}~{signature}", token.upper()),
        f"{body}~{signature}\n",
        f"2~main!!w1.1~{signature}",
        f"{body}~\udc80",
    ]
    for text in forged:
        with pytest.raises(routedb.ProgrammingError) as refusal:
            read_token(text, KEYS)
        assert not any(key in str(refusal.value) for key in KEYS)


MANY = [
    "1" + "~main!!w1.1" * 513,
    "1~main!!g" + ".".join(f"{n}-1-1" for n in range(65)),
    "1~main!!s" + UUID + "".join(f"_{n}" for n in range(1, 200, 2)),
    "1~main!!s" + ".".join(f"{n:032x}_1" for n in range(65)),
    "1~main!" + "1" * 5000 + "!w1.1",
    "1~main!!g" + "1" * 5000 + "-1-1",
]


@pytest.mark.parametrize("text", MANY, ids=lambda text: text[:12])
def test_a_token_of_too_many_positions_is_refused(text):
    with pytest.raises(routedb.ProgrammingError, match="no token"):
        read_token(text)


def test_a_position_that_is_too_long_for_a_token_is_not_known_to_others():
    last = dict.fromkeys(range(65), (1, 1))
    token = write_token([(GroupRef("main", None), GtidPosition(last))])
    assert read_token(token) == [(GroupRef("main", None), UNKNOWN_POSITION)]
