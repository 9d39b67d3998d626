"""Several fragments of one group as one text, because a statement sees one state.

Their rows come in one answer: the number of the fragment, its values, and NULL for what
only wider ones have. Two statements would see two states of the rows, unless they ran
in a transaction of their own, and inside the program's that is not to be had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routedb.merge.lines import Lines
from routedb.merge.row_values import values_of
from routedb.planner import Fragment
from routedb.planner.plans import Bound

# How column `number` of a fragment is written where columns of many types meet. The
# values of PostgreSQL and MySQL are texts already; SQLite's keep their own types.
_SHOWN = {
    "postgresql": "routedb_u.c{number}",
    "mysql": "CONVERT(routedb_u.c{number} USING utf8mb4)",
    "sqlite": "routedb_u.c{number}",
}
_NOTHING = {"postgresql": "NULL::text", "mysql": "NULL", "sqlite": "NULL"}


def as_one(
    numbers: Sequence[int], fragments: Sequence[Fragment], dialect: str
) -> Bound:
    """Return the text of the `fragments` of these `numbers`, in `dialect`, with the
    slots of all. With one it is the fragment's own."""
    if len(numbers) == 1:
        return fragments[numbers[0]].text
    width = max(len(fragments[number].columns) for number in numbers)
    parts = [_part(number, fragments[number], width, dialect) for number in numbers]
    slots = [slot for number in numbers for slot in fragments[number].text.slots]
    return Bound(" UNION ALL ".join(parts), tuple(slots))


def _part(number: int, fragment: Fragment, width: int, dialect: str) -> str:
    names = [f"c{place}" for place in range(len(fragment.columns))]
    shown = [_SHOWN[dialect].format(number=place) for place in range(len(names))]
    shown += [_NOTHING[dialect]] * (width - len(names))
    inner = fragment.text.sql.rstrip().rstrip(";")
    if dialect == "postgresql":
        source = f"({inner}) AS routedb_u({', '.join(names)})"
    elif dialect == "mysql":
        source = f"({inner}) AS routedb_u"  # which calls its columns so
    else:
        source = (
            f"(SELECT {', '.join(f'NULL AS {name}' for name in names)} WHERE 0 "
            f"UNION ALL {inner}) AS routedb_u"
        )
    return f"SELECT {number}, {', '.join(shown)} FROM {source}"


def split(
    numbers: Sequence[int], fragments: Sequence[Fragment], rows: Sequence[Any]
) -> dict[int, list[Sequence[Any]]]:
    """Return the rows of each fragment, by its number, of the `rows` that the text of
    `as_one` has given for these `numbers` of `fragments`."""
    found: dict[int, list[Sequence[Any]]] = {number: [] for number in numbers}
    if len(numbers) == 1:
        found[numbers[0]] = list(rows)
        return found
    ends = {number: 1 + len(fragments[number].columns) for number in numbers}
    for row in rows:
        values = values_of(row)
        number = int(values[0])
        found[number].append(values[1 : ends[number]])
    return found


def split_lines(
    numbers: Sequence[int], fragments: Sequence[Fragment], lines: Lines
) -> dict[int, Lines]:
    """Return the rows of each of the `fragments` of these `numbers`, which came as
    `lines` of one statement; those are closed when they are taken apart."""
    if len(numbers) == 1:
        return {numbers[0]: lines}
    found = {number: Lines() for number in numbers}
    ends = {number: len(fragments[number].columns) for number in numbers}
    for block in lines.blocks():
        parts: dict[int, list[bytes]] = {number: [] for number in numbers}
        for line in block.split(b"\n")[:-1]:
            first, *fields = line.split(b"\t")
            number = int(first)
            parts[number].append(b"\t".join(fields[: ends[number]]) + b"\n")
        for number, part in parts.items():
            found[number].add(b"".join(part))
    lines.close()
    return found
