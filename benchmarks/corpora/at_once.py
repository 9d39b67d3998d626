"""Judge the scripts of a suite in several processes, each with a judge of its own.

A script takes what its own earlier statements have made, and nothing of other scripts,
so each goes to whoever is free. What is counted of it comes back when it is done.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.sharedctypes import Synchronized
from typing import NamedTuple, TypeAlias

from benchmarks.corpora.compare import Score, compare
from benchmarks.corpora.verdict import Judge
from routedb.sql import Classifier
from tests.support.servers import MissingServer


class Work(NamedTuple):
    """The scripts of the suite `name`, and what makes a judge of them: pickled, where
    they go to other processes."""

    name: str
    dialect: str
    scripts: Sequence[Sequence[str]]
    judge: Callable[[], Judge]


Counted: TypeAlias = "Queue[Score | MissingServer]"


def scores(work: Work, processes: int) -> Iterator[Score]:
    """Yield what is counted of each script, in any order.

    With one process that is this one. Raises MissingServer when the judge's server
    cannot be had, and RuntimeError when a process fails, which tells of its error
    itself.
    """
    if processes == 1:
        yield from _each(work, iter(range(len(work.scripts))))
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy locks
    taken: Synchronized[int] = context.Value("i", 0)
    counted: Counted = context.Queue()
    workers = [
        context.Process(target=_work, args=(work, taken, counted))
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    try:
        yield from _received(counted, workers)
    except BaseException:
        for worker in workers:
            worker.terminate()  # its server ends with it
        raise
    finally:
        for worker in workers:
            worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError(f"a process that judges {work.name} has failed")


def _received(counted: Counted, workers: Sequence[BaseProcess]) -> Iterator[Score]:
    """Yield what comes until all of `workers` have ended, however they do."""
    is_one_alive = True
    while is_one_alive:
        is_one_alive = any(worker.is_alive() for worker in workers)
        with contextlib.suppress(queue.Empty):
            while True:
                score = counted.get(timeout=0.1)
                if isinstance(score, MissingServer):
                    raise score
                yield score


def _work(work: Work, taken: Synchronized[int], counted: Counted) -> None:
    try:
        for score in _each(work, _taking(taken, len(work.scripts))):
            counted.put(score)
    except MissingServer as missing:
        counted.put(missing)


def _each(work: Work, numbers: Iterator[int]) -> Iterator[Score]:
    """Yield what is counted of the scripts with these numbers."""
    judge = work.judge()
    classifier = Classifier(work.dialect)
    try:
        for number in numbers:
            yield compare(work.name, classifier, [work.scripts[number]], judge)
    finally:
        judge.close()


def _taking(taken: Synchronized[int], end: int) -> Iterator[int]:
    """Yield one number after another that no other process has."""
    while True:
        with taken.get_lock():
            number = taken.value
            taken.value += 1
        if number >= end:
            return
        yield number
