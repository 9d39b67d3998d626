r"""Globs as `fnmatch` knows them: whether one matches all that another can match.

Both are read as automata over characters. Every text the special one accepts is walked
through both at once; the general one covers it when no such text leaves it outside. The
characters are put in classes first: those that no part of either glob tells apart are
one, so that a handful of samples stand for all of Unicode, and the answer is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_LAST = 0x110000


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
Glob = tuple[Part, ...]


def parse(pattern: str) -> Glob:
    """Read a glob. Raises ValueError for a [ without its ], and for a [] that matches
    no character."""
    return tuple(_parts(pattern))


def is_literal(pattern: str) -> bool:
    """Tell whether nothing in `pattern` is a wildcard."""
    return not any(char in pattern for char in "*?[")


def covers(general: Glob, special: Glob) -> bool:
    """Tell whether `general` matches every text that `special` matches."""
    samples = _samples((*general, *special))
    start = (_closed(special, {0}), _closed(general, {0}))
    seen = {start}
    queue = [start]
    while queue:
        inner, outer = queue.pop()
        if len(special) in inner and len(general) not in outer:
            return False
        for point in samples:
            stepped = _stepped(special, inner, point)
            state = (stepped, _stepped(general, outer, point))
            if stepped and state not in seen:
                seen.add(state)
                queue.append(state)
    return True


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


def _samples(parts: Glob) -> list[int]:
    """Return one code point of every class that the parts tell apart."""
    cuts = {cut for part in parts for pair in part.ranges for cut in pair}
    return sorted((cuts | {0}) - {_LAST})


def _closed(glob: Glob, places: set[int]) -> frozenset[int]:
    """Add the places that are reached without a character: past a star."""
    found = set(places)
    for place in sorted(places):
        while place < len(glob) and glob[place].is_star:
            place += 1  # noqa: PLW2901
            found.add(place)
    return frozenset(found)


def _stepped(glob: Glob, places: frozenset[int], point: int) -> frozenset[int]:
    """Return the places after one more character."""
    after = set()
    for place in places:
        if place < len(glob):
            if glob[place].is_star:
                after.add(place)
            elif glob[place].has(point):
                after.add(place + 1)
    return _closed(glob, after)
