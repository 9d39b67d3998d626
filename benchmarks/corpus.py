"""Classify SQL that others wrote, and have it judged: `python -m benchmarks.corpus`.

    python -m benchmarks.corpus             PostgreSQL's own regression tests
    python -m benchmarks.corpus NAME …      these suites
    python -m benchmarks.corpus --all       every suite that is known
    … --from FOLDER                         the suites of a checkout, as often as given
    … --every N                             of each suite every Nth file only
    … --processes N                         so many at once; else one for each core
    … -v                                    also each statement that went wrong

The suites are not ours to ship: they are downloaded, and kept in `.corpus/`. One that
cannot be had is named as not run. The exit status is 1 when a bar is not met, else 3
when a suite was not run.
While a suite is judged stderr tells how far it is, and what was found so far is shown
when it is interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.corpora.at_once import Work, scores
from benchmarks.corpora.compare import FAULTS, NUMBERS, Score
from benchmarks.corpora.obtain import MissingCorpus
from benchmarks.corpora.postgresql_judge import PostgreSQLJudge
from benchmarks.corpora.remembering import Remembering
from benchmarks.corpora.sources import SUITES, Suite, of_checkout
from benchmarks.corpora.sqlite_judge import SQLiteJudge
from benchmarks.corpora.verdict import Judge
from tests.support.servers import MissingServer

_TELL_EACH_S = 10.0

BY_NAME = {suite.name: suite for suite in SUITES}


def run(
    name: str = "postgresql",
    folder: Path | None = None,
    every: int = 1,
    processes: int = 1,
    tell: Callable[[Score, int, int], None] | None = None,
) -> Score:
    """Judge the suite `name`, of `every` so many of its files one.

    They are taken from `folder` when that is given. `tell` is called after each file
    with what is counted of it, the number of files done, and of all. Raises
    MissingCorpus when they, or the server that judges them, cannot be had.
    """
    suite = BY_NAME[name]
    scripts = suite.scripts(folder, every)
    work = Work(name, suite.dialect, scripts, _judge(suite.dialect, scripts))
    total = Score(name)
    try:
        for done, score in enumerate(scores(work, processes), start=1):
            total.add(score)
            if tell is not None:
                tell(score, done, len(scripts))
    except MissingServer as missing:
        raise MissingCorpus(str(missing)) from None
    return total


def _judge(dialect: str, scripts: Sequence[Sequence[str]]) -> Callable[[], Judge]:
    """Return what makes a judge of texts in `dialect`."""
    if dialect == "postgresql":
        return partial(_itself, PostgreSQLJudge(scripts))
    if dialect == "sqlite":
        return SQLiteJudge
    return _mariadb_judge


def _itself(judge: Judge) -> Judge:
    return judge


def _mariadb_judge() -> Judge:
    # Its driver is there only where its client library is.
    from benchmarks.corpora.mariadb_judge import MariaDBJudge  # noqa: PLC0415

    return Remembering(MariaDBJudge())


def report(scores: Sequence[Score]) -> str:
    """Return the counts as a table, a line for each suite."""
    heads = ("suite", *NUMBERS, *FAULTS)
    lines = [
        (
            score.name,
            *(str(getattr(score, name)) for name in NUMBERS),
            *(str(len(getattr(score, name))) for name in FAULTS),
        )
        for score in scores
    ]
    shown = [tuple(head.replace("_", " ") for head in heads), *lines]
    widths = [max(len(line[n]) for line in shown) for n in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in shown
    )


def main(arguments: Sequence[str]) -> int:
    """Run the suites that the command line names; return the exit status."""
    asked = _arguments(arguments)
    found: list[Score] = []
    missing: list[str] = []
    for suite, folder in _chosen(asked, missing):
        telling = _Telling(suite.name, asked.verbose)
        try:
            score = run(suite.name, folder, asked.every, asked.processes, telling)
        except MissingCorpus as problem:
            missing.append(f"{suite.name}: {problem}")
            continue
        except KeyboardInterrupt:
            found.append(telling.so_far)
            missing.append(f"{suite.name}: interrupted, and what follows it")
            break
        found.append(score)
        print(_ended(score), file=sys.stderr, flush=True)
    total = Score("all")
    for score in found:
        total.add(score)
    print(report([*found, total]))
    missed = [f"{score.name}: {bar}" for score in found for bar in score.missed()]
    for line in missed:
        print(f"NOT MET  {line}")
    for line in missing:
        print(f"NOT RUN  {line}")
    return 1 if missed else 3 if missing else 0


class _Telling:
    """Tells on stderr how far a suite is; with `is_verbose` what went wrong, too."""

    def __init__(self, name: str, is_verbose: bool) -> None:
        self.so_far = Score(name)
        self._is_verbose = is_verbose
        self._last = time.monotonic()

    def __call__(self, score: Score, done: int, files: int) -> None:
        so_far = self.so_far
        so_far.add(score)
        if self._is_verbose:
            _print_faults(score)
        now = time.monotonic()
        if now - self._last >= _TELL_EACH_S:
            self._last = now
            wrong = ", ".join(f"{len(getattr(so_far, name))} {name}" for name in FAULTS)
            print(
                f"{so_far.name}: {done} of {files} files, {so_far.judged} statements "
                f"judged; {wrong.replace('_', ' ')}",
                file=sys.stderr,
                flush=True,
            )


def _ended(score: Score) -> str:
    """Return what to show of a suite that has ended, while others still run."""
    found = ", ".join(score.missed()) or "all bars met"
    return f"{score.name}: {score.judged} statements judged, {found}"


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus")
    parser.add_argument("suites", nargs="*", metavar="NAME", help=", ".join(BY_NAME))
    parser.add_argument("--all", action="store_true", help="every suite")
    parser.add_argument(
        *("--from", "-f"),
        dest="folders",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="a checkout, or a bare git directory, of a suite's sources",
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="every Nth file only"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many judge at once",
    )
    parser.add_argument(
        "-v", dest="verbose", action="store_true", help="show what went wrong"
    )
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.suites if name not in BY_NAME]:
        parser.error(f"no suite {unknown[0]!r}; there are {', '.join(BY_NAME)}")
    return asked


def _chosen(
    asked: argparse.Namespace, missing: list[str]
) -> list[tuple[Suite, Path | None]]:
    """Return the suites to run, each with the folder of its checkout, if one is given.

    Folders that have none of them are added to `missing`.
    """
    given: dict[Suite, Path] = {}
    for folder in asked.folders:
        try:
            given.update(dict.fromkeys(of_checkout(folder), folder))
        except MissingCorpus as problem:
            missing.append(str(problem))
    names = set(asked.suites)
    if not (names or asked.all or asked.folders):
        names = {"postgresql"}
    return [
        (suite, given.get(suite))
        for suite in SUITES
        if asked.all or suite.name in names or (suite in given and not names)
    ]


def _print_faults(score: Score) -> None:
    for fault in FAULTS:
        for text in getattr(score, fault):
            print(f"{score.name} {fault}: {' '.join(text.split())}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
