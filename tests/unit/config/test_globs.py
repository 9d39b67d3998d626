"""Whether globs cover another is decided as `fnmatch` would over every text."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase, translate
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routedb.config.globs import covers, may_meet, parse

GLOBS = st.lists(
    st.sampled_from(["a", "b", "*", "?", "[ab]", "[!a]", "[b-c]"]), max_size=4
).map("".join)
TEXTS = ["".join(t) for size in range(7) for t in product("abcz", repeat=size)]


def matched(pattern):
    accepts = re.compile(translate(pattern)).match
    return {text for text in TEXTS if accepts(text)}


@given(st.lists(GLOBS, max_size=3), GLOBS)
def test_globs_cover_what_they_match_together(generals, special):
    left = matched(special).difference(*map(matched, generals))
    assert covers([parse(g) for g in generals], parse(special)) is not bool(left)


@given(GLOBS, GLOBS)
def test_globs_that_match_one_text_may_meet(one, other):
    shared = matched(one) & matched(other)
    assert may_meet(parse(one), parse(other)) or not shared


@pytest.mark.parametrize("pattern", ["[]a]", "[!]a]", "[a-]", "[-a]", "a]", "[[]", "!"])
def test_brackets_are_read_as_fnmatch_reads_them(pattern):
    for text in ["]", "a", "-", "[", "!", "b", "a]", "!a"]:
        literal = parse(text.replace("[", "[[]"))
        assert covers([parse(pattern)], literal) is fnmatchcase(text, pattern)


@pytest.mark.parametrize("pattern", ["[", "a[b", "[!", "[]", "[z-a]"])
def test_a_glob_that_matches_nothing_is_refused(pattern):
    with pytest.raises(ValueError, match=r"has no \]|matches no character"):
        parse(pattern)


def test_a_question_that_would_take_too_long_is_left_open():
    slow = parse("*a" + "?" * 30)
    assert covers([slow], parse("*a*" + "[ab]" * 31)) is False
