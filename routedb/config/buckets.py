"""Which shard has which bucket of `function = "hash"`.

A key's hash is one of `BUCKETS` buckets, for ever; a map says which shard has each. It
begins even, every shard with one run of buckets, and is changed bucket by bucket: one
shard more takes a part of what each of the others has, and nothing else moves.

A map is a list of shard numbers by bucket here, and a short text in a `ShardFunction`,
whose hash is asked for with each statement: runs of buckets, shard after shard. The
even map is the empty text, so that equal maps are equal texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from routedb.config.mask import mask_name

BUCKETS = 16_384
EVEN = ""  # the text of the even map

Owners: TypeAlias = Sequence[int]  # of each bucket, by its number
Run: TypeAlias = tuple[int, int]  # of buckets: the first and the last


class Moving(NamedTuple):
    """Buckets from `first` to `last` go from shard `source` to shard `target`."""

    first: int
    last: int
    source: int
    target: int

    @property
    def size(self) -> int:
        """How many buckets these are."""
        return self.last - self.first + 1


def even(shards: int) -> list[int]:
    """Return the map that gives each of `shards` one run, of the same length but for
    one bucket."""
    return [bucket * shards // BUCKETS for bucket in range(BUCKETS)]


def runs(owners: Owners, shard: int) -> list[Run]:
    """Return the runs of buckets that `shard` has by the map `owners`."""
    return list(_runs(bucket for bucket, own in enumerate(owners) if own == shard))


def text_of(owners: Owners, shards: int) -> str:
    """Return the text of the map `owners` over so many `shards`."""
    if list(owners) == even(shards):
        return EVEN
    return ";".join(_shown(runs(owners, shard)) for shard in range(shards))


def written(owners: Owners, shards: int) -> list[list[str]]:
    """Return the map `owners` over so many `shards` as the key `buckets` of a table's
    rule has it: the runs of each shard."""
    return [[_shown([run]) for run in runs(owners, shard)] for shard in range(shards)]


def owners_of(text: str, shards: int) -> list[int]:
    """Return the map of a `text` that `text_of` has made for so many `shards`."""
    if text == EVEN:
        return even(shards)
    said = [part.split(",") if part else [] for part in text.split(";")]
    return read(said)


def read(shards: Sequence[Iterable[int | str]]) -> list[int]:
    """Return the map that gives each of `shards` the buckets that are written for it:
    numbers, and runs like "0-4095". Raises ValueError, with the reason, for what is no
    map: each bucket has one shard."""
    owners = [-1] * BUCKETS
    for shard, own in enumerate(shards):
        for each in own:
            first, last = _run(each)
            for bucket in range(first, last + 1):
                if owners[bucket] >= 0:
                    raise ValueError(
                        f"bucket {bucket} is on shard {owners[bucket]} and on {shard}"
                    )
                owners[bucket] = shard
    if -1 in owners:
        raise ValueError(f"bucket {owners.index(-1)} is on no shard")
    return owners


def plan(owners: Owners, shards: int) -> list[Moving]:
    """Return what is to move so that `shards` shards have the buckets of the map
    `owners` evenly: as many each, but for one. It is as little as can be.

    Shards that are above that number lose all they have. What moves is taken from the
    end of what a shard has, in long runs.
    """
    counts = Counter(owners)
    wanted = _wanted(counts, shards)
    free: list[int] = []
    for shard in sorted(counts):
        own = [bucket for bucket, its in enumerate(owners) if its == shard]
        free += own[wanted.get(shard, 0) :]
    found: list[Moving] = []
    given = iter(free)
    for shard, count in sorted(wanted.items()):
        for _ in range(count - counts[shard]):
            _add(found, next(given), owners, shard)
    return found


def moved(owners: Owners, moves: Iterable[Moving]) -> list[int]:
    """Return the map `owners` after `moves`."""
    after = list(owners)
    for first, last, _, target in moves:
        after[first : last + 1] = [target] * (last + 1 - first)
    return after


def _wanted(counts: Counter[int], shards: int) -> dict[int, int]:
    """Return how many buckets each shard is to have: the one more goes to those that
    have most, or more would move than must."""
    least, more = divmod(BUCKETS, shards)
    fullest = sorted(range(shards), key=lambda shard: (-counts[shard], shard))
    return {shard: least + (place < more) for place, shard in enumerate(fullest)}


def _add(found: list[Moving], bucket: int, owners: Owners, target: int) -> None:
    """Add a bucket to the last run, where it goes on with that."""
    source = owners[bucket]
    last = found[-1] if found else None
    if last is not None and last[1:] == (bucket - 1, source, target):
        found[-1] = last._replace(last=bucket)
    else:
        found.append(Moving(bucket, bucket, source, target))


def _runs(buckets: Iterable[int]) -> Iterator[Run]:
    """Yield the runs of rising numbers."""
    first = last = -1
    for bucket in buckets:
        if bucket != last + 1 or first < 0:
            if first >= 0:
                yield first, last
            first = bucket
        last = bucket
    if first >= 0:
        yield first, last


def _shown(found: Iterable[Run]) -> str:
    return ",".join(
        str(first) if first == last else f"{first}-{last}" for first, last in found
    )


def _run(said: int | str) -> Run:
    first, _, last = str(said).partition("-")
    is_number = first.isdecimal() and (last or first).isdecimal()
    shown = mask_name(said) if isinstance(said, str) else said
    if isinstance(said, bool) or not is_number:
        raise ValueError(f"{shown!r} is no bucket, and no run of them like '0-4095'")
    run = int(first), int(last or first)
    if not run[0] <= run[1] < BUCKETS:
        raise ValueError(f"{shown!r}: buckets are numbered from 0 to {BUCKETS - 1}")
    return run
