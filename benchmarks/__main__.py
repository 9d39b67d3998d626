"""Run the benchmarks: `python -m benchmarks [part …]`, as `make bench` does.

Prints a table, and writes it with a chart to benchmarks/results/. A bar that is not met
is marked; the exit status says so too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.timing import Row

PARTS = (
    "importing",
    "classify",
    "texts",
    "overhead",
    "dropin",
    "transactions",
    "two_phase",
    "merges",
    "concurrent",
    "commits",
    "probes",
    "failover",
    "pooled",
    "moving",
    "moving_gaps",
)
# Only where it is named: it needs pyspark (`make .venv/spark.stamp`), and a JRE.
APART = ("spark",)
RESULTS = Path(__file__).parent / "results"


def main(parts: Sequence[str]) -> int:
    """Run the parts, all by default; return the exit status."""
    unknown = [part for part in parts if part not in (*PARTS, *APART)]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join((*PARTS, *APART))}")
        return 2
    rows: list[Row] = []
    for part in parts or PARTS:
        run: Callable[[], list[Row]] = import_module(f"benchmarks.{part}").run
        rows += run()
    RESULTS.mkdir(exist_ok=True)
    text = table(rows)
    print(text)
    (RESULTS / "results.rst").write_text(text + "\n", encoding="utf-8")
    chart(rows, RESULTS / "results.png")
    return int(any(row.is_met is False for row in rows))


def table(rows: Sequence[Row]) -> str:
    """Return the rows as an RST table."""
    lines = [("what", "measured", "bar", "", "detail")]
    for row in rows:
        bar = "" if row.bar is None else f"{row.bar:g} {row.unit}"
        met = {None: "", True: "met", False: "NOT MET"}[row.is_met]
        lines.append((row.name, f"{row.value:.3g} {row.unit}", bar, met, row.note))
    widths = [max(len(line[n]) for line in lines) or 1 for n in range(len(lines[0]))]
    rule = "  ".join("=" * width for width in widths)
    shown = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join([rule, shown[0].rstrip(), rule, *map(str.rstrip, shown[1:]), rule])


def chart(rows: Sequence[Row], path: Path) -> None:
    """Draw each figure as a part of its bar."""
    import matplotlib as mpl  # noqa: PLC0415  (an extra)

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    barred = [row for row in rows if row.bar]
    parts = [row.value / row.bar for row in barred if row.bar]
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(barred) + 1.2))
    colours = ["tab:green" if part <= 1 else "tab:red" for part in parts]
    axes.barh([row.name for row in barred], parts, color=colours)
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("measured, as a part of what it may be")
    for place, row in enumerate(barred):
        label = f" {row.value:.3g} of {row.bar:g} {row.unit}"
        axes.text(parts[place], place, label, va="center", fontsize=8)
    axes.set_xlim(0, max([1.3, *(part * 1.25 for part in parts)]))
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
