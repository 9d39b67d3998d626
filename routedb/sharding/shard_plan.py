"""How to find the shards of every text of one shape, and what runs on them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from routedb.sharding.keys.value_terms import (
    BoundValues,
    Condition,
    OneOf,
    PositionalParam,
    ShardKey,
    ValueTerm,
    check_params,
    locate_value,
    read_term,
    shards_of,
)
from routedb.sharding.refusals import refuse, refuse_elsewhere, refuse_several
from routedb.sharding.rewrite.rows import InsertText, RowPlan, read_long, read_text
from routedb.sharding.rewrite.split_insert import InsertPart, split_insert
from routedb.sql import Scan


class Target(NamedTuple):
    """The shards a statement runs on.

    `is_any`: one shard, whichever; `shards` is empty then. `is_every`: a write to
    reference tables or a definition, the same on all; `is_apart`: of those, what takes
    no part in a transaction. `is_each`: an UPDATE, a DELETE or a SELECT
    … FOR UPDATE, of the rows of each.
    `parts`: an INSERT's rows, split by shard.
    """

    shards: frozenset[int]
    is_any: bool = False
    is_every: bool = False
    parts: tuple[InsertPart, ...] = ()
    is_apart: bool = False
    is_each: bool = False


ANY_SHARD = Target(frozenset(), is_any=True)


class KeyUse(NamedTuple):
    """A place where a sharded table is used: its rows that matter meet `condition`."""

    key: ShardKey
    condition: Condition


class KeyChange(NamedTuple):
    """A key is set to a value: it has to be on the shard where the row already is."""

    key: ShardKey
    term: ValueTerm


@dataclass(frozen=True)
class ShardPlan:
    """How to find the shards of a text, worked out once per shape.

    `key_uses` are all the places where sharded tables are used; none: the statement
    uses reference tables only, and `is_write` tells which shards it is for. `each_uses`
    are the same for an UPDATE or DELETE that may run on each of several shards; none
    where it may not.
    """

    verb: str
    dialect: str
    key_uses: tuple[KeyUse, ...] = ()
    each_uses: tuple[KeyUse, ...] = ()
    key_changes: tuple[KeyChange, ...] = ()
    is_write: bool = False
    is_apart: bool = False
    rows: RowPlan | None = None
    counts_literals: bool = False  # made of a text that has some left out of its scan
    positional_count: int = 0  # number of %s
    has_named: bool = False

    def resolve(self, source: str, scan: Scan, params: Any, shards: int) -> Target:
        """Return where the text `source` runs, one of the shape of this plan.

        `scan` has its literals, `params` are its parameters, `shards` is the number of
        shards. Raises ShardError when it is for several shards and cannot be divided,
        and ProgrammingError when the parameters do not fit.
        """
        quick = self._quick
        if (
            quick is not None
            and type(params) in _PLAIN
            and len(params) == self.positional_count
        ):
            key, ordinal = quick
            value = params[ordinal]
            if value is not None:
                return one_shard(locate_value(value, key, shards))
        target = self.locate(source, scan, params, shards)
        if len(target.shards) > 1 and not target.parts and not target.is_every:
            if self.each_uses:
                return self._on_each(scan, params, shards)
            refuse_several(self.verb, self.tables, target.shards)
        return target

    def _on_each(self, scan: Scan, params: Any, shards: int) -> Target:
        """Return the shards of an UPDATE or DELETE that runs on each of them for the
        rows there. Raises ShardError where it needs more there than the shard has."""
        values = BoundValues(self.dialect, scan.literals, params)
        found: set[int] = set()
        for here in range(shards):
            asked = values._replace(here=here)
            needed = [
                (use, shards_of(use.condition, use.key, asked, shards))
                for use in self.each_uses
            ]
            if not needed[0][1]:  # the rows that it changes
                continue
            for use, on in needed:
                if not on <= {here}:
                    refuse_elsewhere(self.verb, use.key.table, on - {here}, here)
            found.add(here)
        return Target(frozenset(found), is_each=True) if found else ANY_SHARD

    def locate(self, source: str, scan: Scan, params: Any, shards: int) -> Target:
        """Return what `resolve` does, or several shards. `source`, `scan`, `params` and
        `shards` are those of `resolve`.

        Raises ShardError when no shard is certain, and ProgrammingError when the
        parameters do not fit.
        """
        if scan.is_whole:
            check_params(params, self.positional_count, self.has_named)
        values = BoundValues(self.dialect, scan.literals, params)
        found: frozenset[int] = frozenset().union(
            *(
                shards_of(use.condition, use.key, values, shards)
                for use in self.key_uses
            )
        )
        if self.rows is not None:
            return self._place_rows(self.rows, found, source, scan, params, shards)
        self._check_key_changes(found, values, shards)
        if found:
            return one_shard(*found) if len(found) == 1 else Target(found)
        if self.is_write and not self.key_uses:
            every = frozenset(range(shards))
            return Target(every, is_every=True, is_apart=self.is_apart)
        return ANY_SHARD

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The names of the sharded tables, each once."""
        return tuple(dict.fromkeys(use.key.table for use in self.key_uses))

    @cached_property
    def _quick(self) -> tuple[ShardKey, int] | None:
        """Set for the commonest plan: one table, key = %s."""
        if len(self.key_uses) != 1 or self.key_changes or self.rows is not None:
            return None
        key, condition = self.key_uses[0]
        if not isinstance(condition, OneOf) or condition.is_list:
            return None
        if len(condition.terms) != 1 or not isinstance(
            condition.terms[0], PositionalParam
        ):
            return None
        return key, condition.terms[0].ordinal

    def _check_key_changes(
        self, found: frozenset[int], values: BoundValues, shards: int
    ) -> None:
        """Raises ShardError for a key that would leave its row on the wrong shard."""
        if not found:
            return
        for key, term in self.key_changes:
            value = read_term(term, key, values)
            if {locate_value(value, key, shards)} != found:
                refuse(
                    f"{self.verb} would set the shard key {key} to a value of another "
                    "shard: insert the row anew and delete the old one",
                    "",
                )

    def _place_rows(
        self,
        plan: RowPlan,
        needed: frozenset[int],
        source: str,
        scan: Scan,
        params: Any,
        shards: int,
    ) -> Target:
        text: InsertText | None = None
        if plan.terms is not None and scan.is_whole:
            terms, values = plan.terms, BoundValues(self.dialect, scan.literals, params)
        else:
            text = read_text(source, scan)
            values, terms = read_long(plan, text, params)
        key = plan.key
        row_shards = [
            locate_value(read_term(term, key, values), key, shards) for term in terms
        ]
        found = needed.union(row_shards)
        self._check_key_changes(found, values, shards)
        if len(found) == 1 and plan.completion is None:
            return one_shard(*found)
        if plan.completion is not None and not plan.can_split:
            refuse(
                f"{self.verb} into {key.table} does not name its columns, or not its "
                f"shard key, and is not completed, because {plan.whole_because}: name "
                "them, and give the key",
                "",
            )
        if len(found) > 1 and (not plan.can_split or needed):
            refuse(
                f"{self.verb} into {key.table} has rows for shards "
                f"{', '.join(map(str, sorted(found)))} and cannot be split, because "
                f"{plan.whole_because or 'a query in it is for one of them'}: send one "
                "statement per shard",
                "",
            )
        text = text or read_text(source, scan)
        parts = split_insert(source, text, params, row_shards, plan.completion)
        return Target(found, parts=parts)


_CONCURRENTLY = re.compile(
    r"(?:CREATE|DROP|ALTER|REINDEX)\b.*\bCONCURRENTLY\b|VACUUM\b", re.I
).match


def is_apart_from_transactions(shape: str, dialect: str) -> bool:
    """Tell whether a definition of this `shape` takes no part in a transaction of
    others: each commits in the `dialect` of MySQL, and the others refuse VACUUM and
    CONCURRENTLY inside of one."""
    return dialect == "mysql" or _CONCURRENTLY(shape) is not None


_PLAIN = frozenset({tuple, list})
_ONES: Mapping[int, Target] = {n: Target(frozenset({n})) for n in range(1024)}


def one_shard(shard: int) -> Target:
    """Return the target that is one shard; the same object each time."""
    return _ONES.get(shard) or Target(frozenset({shard}))
