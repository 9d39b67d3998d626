"""SQLite's sqllogictest over several groups: `python -m benchmarks.sqllogictest`.

    … [FILE …]                   these of its files, as patterns: select1 random/*
    … --engine sqlite|postgresql|mariadb
    … --sharded | --dealt        four shards by a key, or tables over three databases
    … --every N                  of the files of a pattern with a star every Nth
    … --limit N                  of each file about N queries
    … --from FOLDER              a checkout, or a bare git directory, of the suite
    … -v                         also each answer that was wrong

The suite is not ours to ship: it is cloned once, into `.corpus/`. Files that a partial
copy has not are counted. The exit status is 1 when a bar is not met.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from benchmarks.corpora.obtain import MissingCorpus, in_folder, kept_clone
from benchmarks.sqllogictest.judge import Score, judge
from benchmarks.sqllogictest.records import records
from benchmarks.sqllogictest.worlds import ENGINES, worlds

_URL = "https://github.com/gregrahn/sqllogictest"
_ALL = ("select[1-5]", "evidence/*", "random/*", "index/*")
_SUITE_NAMES = {"mariadb": "mysql"}  # what its records call an engine
_MOST_REFUSED, _LONGEST = 0.005, 1.3


def main(arguments: Sequence[str]) -> int:
    """Judge the files that the command line names; return the exit status."""
    asked = _arguments(arguments)
    try:
        folder = asked.folder or kept_clone("sqllogictest", _URL)
        paths = _chosen(folder, asked.files or _ALL, asked.every)
    except MissingCorpus as problem:
        print(f"NOT RUN  {problem}")
        return 3
    total, began = Score(), time.monotonic()
    engine = _SUITE_NAMES.get(asked.engine, asked.engine)
    absent = 0
    with worlds(asked.engine, asked.is_sharded) as make:
        for path in paths:
            found = in_folder(folder, {path}.__contains__)
            if not found:
                absent += 1
                continue
            text = found[0].content.decode("utf-8", "replace")
            with make() as world:
                score = judge(records(text, engine), world, asked.limit)
            _show(path.removeprefix("test/").removesuffix(".test"), score)
            if asked.verbose:
                _show_wrong(score)
            total.add(score)
    _show("all", total)
    for why, number in total.refused.most_common():
        print(f"  {number:6} refused: {why}")
        if asked.verbose:
            print(f"         {' '.join(total.refused_text[why].split())[:200]}")
    took = time.monotonic() - began
    print(f"{len(paths) - absent} files, {absent} absent, {took:.0f} s")
    return _missed(total)


def _missed(total: Score) -> int:
    bars = {
        "wrong": not total.wrong,
        "refused": total.refused.total() <= _MOST_REFUSED * total.queries,
        "time": total.ratio <= _LONGEST,
    }
    for name, is_met in bars.items():
        if not is_met:
            print(f"NOT MET  {name}")
    return int(not all(bars.values()))


def _show(name: str, score: Score) -> None:
    print(
        f"{name}: {score.queries} queries, {score.right} right ({score.several} over "
        f"several groups, {score.failing} errors in both, {score.unlike} not as the "
        f"suite says), {len(score.wrong)} wrong, {score.refused.total()} refused; "
        f"{score.ratio:.2f} of the time ({score.plain_s:.2f} -> {score.ours_s:.2f} s)",
        flush=True,
    )


def _show_wrong(score: Score) -> None:
    for sql, ours, plain in score.wrong[:5]:
        print(f"  WRONG {' '.join(sql.split())}")
        for name, answer in (("ours", ours), ("plain", plain)):
            print(f"    {name} {answer.names} {answer.rows[:5]} {answer.error}")


def _chosen(folder: Path, patterns: Sequence[str], every: int) -> list[str]:
    """Return the paths of the files of these patterns."""
    listed: list[str] = []
    in_folder(folder, listed.append)  # wants none of them
    chosen: list[str] = []
    for pattern in patterns:
        whole = f"test/{pattern.removesuffix('.test')}.test"
        found = sorted(path for path in listed if fnmatch(path, whole))
        if not found:
            raise MissingCorpus(f"{folder} has no file {whole}")
        chosen += found[:: every if "*" in pattern else 1]
    return chosen


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sqllogictest")
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--sharded", dest="is_sharded", action="store_true", default=True)
    how.add_argument("--dealt", dest="is_sharded", action="store_false")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("--limit", type=int, metavar="N")
    parser.add_argument("--from", dest="folder", type=Path, metavar="FOLDER")
    parser.add_argument("-v", dest="verbose", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
