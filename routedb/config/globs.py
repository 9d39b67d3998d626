"""Globs as `fnmatch` knows them: whether some match all that another can match.

All are read as automata over characters. Every text the special one accepts is walked
through all at once; the others cover it when no such text leaves them all outside. The
characters are put in classes first: those that no part of any glob distinguishes are
one class, so that a few samples represent all of Unicode, and the answer is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress, pairwise
from typing import NamedTuple

_LAST = 0x110000
_MOST_STEPS = 50_000  # some globs (*a?????????????) have a state for every subset


class Part(NamedTuple):
    """One part of a glob: ranges of code points that one character may be from, or
    with `is_star`, any number of any characters."""

    ranges: tuple[tuple[int, int], ...]  # first, and one past the last
    is_star: bool = False

    def has(self, point: int) -> bool:
        """Tell whether one character may be `point`."""
        return any(first <= point < end for first, end in self.ranges)


ANY = Part(((0, _LAST),))
STAR = Part((), is_star=True)
SEPARATOR = Part(((_LAST, _LAST + 1),))  # joins two globs: no wildcard matches it
Glob = tuple[Part, ...]


def parse(pattern: str) -> Glob:
    """Read a glob. Raises ValueError for a [ without its ], and for a [] that matches
    no character."""
    return tuple(_parts(pattern))


def is_literal(pattern: str) -> bool:
    """Tell whether nothing in `pattern` is a wildcard."""
    return not any(char in pattern for char in "*?[")


def covers(generals: Sequence[Glob], special: Glob) -> bool:
    """Tell whether `generals` together match every text that `special` matches; False
    also when that would take too long to tell."""
    samples = _samples([special, *generals])
    if not any(_accepts(glob, _witness(special, samples)) for glob in generals):
        return False
    start = (_closed(special, {0}), tuple(_closed(glob, {0}) for glob in generals))
    seen = {start}
    queue = [start]
    while queue:
        inner, outer = queue.pop()
        matched = [len(g) in places for g, places in zip(generals, outer, strict=True)]
        if len(special) in inner and not any(matched):
            return False
        if len(seen) * len(generals) > _MOST_STEPS:
            return False
        if any(glob[-1:] == (STAR,) for glob in compress(generals, matched)):
            continue  # whatever follows, that one matches it
        for point in samples:
            stepped = _stepped(special, inner, point)
            after = (
                _stepped(glob, places, point)
                for glob, places in zip(generals, outer, strict=True)
            )
            if stepped and (state := (stepped, tuple(after))) not in seen:
                seen.add(state)
                queue.append(state)
    return True


def may_meet(one: Glob, other: Glob) -> bool:
    """Tell whether some text may match both `one` and `other`, by how they begin and
    end; False is certain."""
    return _agree(one, other) and _agree(one[::-1], other[::-1])


def _agree(one: Glob, other: Glob) -> bool:
    for a, b in zip(one, other, strict=False):
        if a.is_star or b.is_star:
            return True
        if not any(x < v and u < y for x, y in a.ranges for u, v in b.ranges):
            return False
    return True


def _witness(glob: Glob, samples: list[int]) -> list[int]:
    """Return a text that `glob` matches, chosen to match few others."""
    odd = max(point for point in samples if point < _LAST)
    return [odd if part.is_star else part.ranges[-1][1] - 1 for part in glob]


def _accepts(glob: Glob, text: list[int]) -> bool:
    places = _closed(glob, {0})
    for point in text:
        places = _stepped(glob, places, point)
    return len(glob) in places


def _parts(pattern: str) -> Iterator[Part]:
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            yield STAR
        elif char == "?":
            yield ANY
        elif char == "[":
            # A ] right after the [ or the [! is one of the characters.
            end = pattern.find("]", at + 1 + (pattern[at : at + 1] == "!"))
            if end < 0:
                raise ValueError("a [ has no ]")
            yield _set(pattern[at:end])
            at = end + 1
        else:
            yield Part(((ord(char), ord(char) + 1),))


def _set(inside: str) -> Part:
    chars = inside.removeprefix("!")
    ranges = []
    at = 0
    while at < len(chars):
        is_range = chars[at + 1 : at + 2] == "-" and at + 2 < len(chars)
        last = chars[at + 2] if is_range else chars[at]
        if chars[at] <= last:  # a range the wrong way round holds nothing
            ranges.append((ord(chars[at]), ord(last) + 1))
        at += 3 if is_range else 1
    part = Part(tuple(ranges))
    if inside != chars:
        cuts = sorted({0, _LAST, *(cut for pair in ranges for cut in pair)})
        part = Part(tuple(p for p in pairwise(cuts) if not part.has(p[0])))
    if not part.ranges:
        raise ValueError(f"[{inside}] matches no character")
    return part


def _samples(globs: list[Glob]) -> list[int]:
    """Return one code point of every class that the parts distinguish."""
    cuts = {c for glob in globs for part in glob for pair in part.ranges for c in pair}
    return sorted(cut for cut in cuts | {0} if cut <= _LAST)


def _closed(glob: Glob, places: set[int]) -> frozenset[int]:
    """Add the states that are reached without a character: past a star."""
    found = set(places)
    for place in sorted(places):
        while place < len(glob) and glob[place].is_star:
            place += 1  # noqa: PLW2901
            found.add(place)
    return frozenset(found)


def _stepped(glob: Glob, places: frozenset[int], point: int) -> frozenset[int]:
    """Return the states after one more character."""
    after = set()
    for place in places:
        if place < len(glob):
            if glob[place].is_star:
                if point < _LAST:
                    after.add(place)
            elif glob[place].has(point):
                after.add(place + 1)
    return _closed(glob, after)
