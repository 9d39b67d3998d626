"""Draw the state tables of the code into `states.rst`, so that they cannot disagree.

python docs/draw_states.py            write the file
python docs/draw_states.py --check    fail if it is not what the tables say
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from routedb.engine.pool import states as slots
from routedb.moving import phases
from routedb.session import commit_outcome, recovery, two_phase, tx_state
from routedb.topology import node_states

TARGET = Path(__file__).with_name("states.rst")

HEAD = f"""\
.. Written by docs/{Path(__file__).name}: change the tables in the code, not this file.

State tables
============

What routedb does about a node, a transaction or a fault is read from tables in its
code. These are the tables.
"""

Rows = Sequence[Sequence[str]]
Before = TypeVar("Before", bound=Enum)
News = TypeVar("News", bound=Enum)
After = TypeVar("After", bound=Enum)


def document() -> str:
    """Return the whole of `states.rst`."""
    sections = [
        _section("A node", node_states, _moves(node_states.TABLE)),
        _section("A transaction", tx_state, _moves(tx_state.TABLE)),
        _section("A fault", recovery, _actions(recovery.TABLE)),
        _section("A lost commit", commit_outcome, _fates(commit_outcome.TABLE)),
        _section("A commit over several groups", two_phase, _steps(two_phase.TABLE)),
        _section("A slot of a pool", slots, _steps(slots.TABLE)),
        _section("A move of tables", phases, _steps(phases.TABLE)),
    ]
    return "\n".join([HEAD, *sections])


def _section(title: str, module: ModuleType, rows: Rows) -> str:
    """The module's own reasoning, then its table."""
    reasons = (module.__doc__ or "").strip()
    source = module.__name__.replace(".", "/") + ".py"
    parts = [title, "-" * len(title), "", f"From ``{source}``.", "", reasons, ""]
    return "\n".join([*parts, _table(rows)])


def _moves(table: Mapping[tuple[Before, News], Before]) -> Rows:
    """One row a state, one column an event; a dot where nothing changes."""
    events = list(dict.fromkeys(event for _, event in table))
    rows = [["", *(event.value for event in events)]]
    for before in dict.fromkeys(before for before, _ in table):
        after = [table[before, event] for event in events]
        cells = ["." if now is before else now.name for now in after]
        rows.append([f"**{before.name}**", *cells])
    return rows


def _steps(table: Mapping[tuple[Before, News], Before]) -> Rows:
    """One row a move, where few moves are possible in each state."""
    rows = [["state", "move", "becomes"]]
    for (before, news), after in table.items():
        rows.append([before.name, news.value, after.name])
    return rows


def _actions(table: Mapping[Before, Mapping[News, After]]) -> Rows:
    """One row a moment, one column a fault; empty where the error is the user's."""
    moments = dict.fromkeys(moment for actions in table.values() for moment in actions)
    rows = [["", *(fault.value for fault in table)]]
    for moment in moments:
        actions = [row.get(moment) for row in table.values()]
        rows.append([f"**{moment.value}**", *(a.value if a else "" for a in actions)])
    return rows


def _fates(table: Mapping[Before, Mapping[News, After]]) -> Rows:
    """One row a server, one column what it says."""
    statuses = next(iter(table.values()))
    rows = [["", *(status.value for status in statuses)]]
    for server, row in table.items():
        rows.append([f"**{server.name}**", *(row[status].value for status in statuses)])
    return rows


def _table(rows: Rows) -> str:
    lines = [".. list-table::", "   :header-rows: 1", "   :stub-columns: 1", ""]
    for row in rows:
        lines.extend(
            f"   {'* -' if place == 0 else '  -'} {cell}".rstrip()
            for place, cell in enumerate(row)
        )
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str]) -> int:
    """Write the file or, with `--check`, compare it."""
    text = document()
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    is_same = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
    if not is_same:
        print(f"{TARGET.name} is old: run python docs/{Path(__file__).name}")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
