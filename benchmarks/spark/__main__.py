"""Run parts of Spark's benchmark.

python -m benchmarks.spark [reading] [answers] [writing]
… --scale 0.1        of TPC-H
… --rounds 5         how often `lineitem` is read, in turn
… --rows 1000000     how many are written
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.__main__ import table
from benchmarks.spark import PARTS, ROWS, run


def main(arguments: Sequence[str]) -> int:
    """Run the parts, all by default; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=ROWS)
    asked = parser.parse_args(arguments)
    rows = run(asked.scale, asked.rounds, asked.rows, asked.parts or PARTS)
    print(table(rows))
    return int(any(row.is_met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
