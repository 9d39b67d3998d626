"""The table as docs/failover.rst shows it: one column for faults that are alike."""

from __future__ import annotations

from tests.live.failover.matrix.table import TABLE, Fault, Moment, Outcome

SHOWN = {
    Outcome.ANSWERED: "answered",
    Outcome.LOST: "``TransactionLost``",
    Outcome.UNKNOWN: "``OutcomeUnknown``",
    Outcome.NO_NODE: "``NoNodeError``",
}


def drawn() -> str:
    """Return the table in reStructuredText."""
    columns = _columns()
    head = ["the fault strikes", *(", ".join(faults) for faults in columns.values())]
    rows = [
        [moment.value, *(SHOWN[outcomes[at]] for outcomes in columns)]
        for at, moment in enumerate(Moment)
    ]
    widths = " ".join(["28", *["18"] * len(columns)])
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in [head, *rows]:
        lines += [f"   {'  ' if at else '* '}- {cell}" for at, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def _columns() -> dict[tuple[Outcome, ...], list[str]]:
    """Return the faults by what is seen of them, moment by moment."""
    columns: dict[tuple[Outcome, ...], list[str]] = {}
    for fault in Fault:
        outcomes = tuple(TABLE[fault][moment].outcome for moment in Moment)
        columns.setdefault(outcomes, []).append(fault.value)
    return columns
