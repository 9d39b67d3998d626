"""A mover in a process of its own, which dies at a step as by SIGKILL."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.connection import Connection
from random import Random
from typing import Any

from routedb import move
from routedb.engine.shared import placement_watch

_DIED = 9
_PATIENCE_S = 60.0
Config = dict[str, Any]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.live.moving.kills"])


def work(
    verb: str,
    config: Config,
    more: Config,
    known: set[str] | None,
    to: Connection,
    watch: tuple[float, float],
) -> None:
    """Do `verb`; die at the first step that is not `known`, after telling it. None: all
    are. `watch` is how long a lease, and an absence, are in the test."""
    placement_watch.LEASE_S, placement_watch.ABSENT_S = watch

    def tell(progress: move.Progress) -> None:
        step = f"{verb}: {progress.step.split(',')[0]}"
        if known is not None and step not in known:
            to.send(step)
            to.close()
            os._exit(_DIED)

    try:
        getattr(move, verb)(config, "m", tell=tell, **more)
    except Exception as exc:
        to.send(exc.__class__.__name__ + ": " + str(exc))
        os._exit(1)
    to.send("")
    to.close()


def killed_everywhere(verb: str, config: Config, **more: Any) -> list[str]:
    """Do `verb` again and again, killed at each of its steps once, until it is done.
    Return the steps."""
    known: set[str] = set()
    while True:
        said = once(verb, config, more, known)
        if said == "":
            return sorted(known)
        if "another mover works" in said:  # the server has not seen it die yet
            continue
        assert said.startswith(f"{verb}: "), said
        assert said not in known
        known.add(said)


def killed_by_chance(
    verb: str,
    config: Config,
    rng: Random,
    kills: int = 4,
    waits: tuple[float, float] = (0.05, 1.0),
    **more: Any,
) -> None:
    """Do `verb`, killed up to so many times at a moment of chance, within `waits` in
    seconds, until it is done."""
    while True:
        wait_s = rng.uniform(*waits) if kills > 0 else _PATIENCE_S
        kills -= 1
        said = _run(verb, config, more, None, wait_s)
        if said == "":
            return
        assert said is None or "another mover works" in said, said


def once(verb: str, config: Config, more: Config, known: set[str]) -> str:
    """Do `verb` in a process; return the step that it died at, or what it raised, or
    nothing when it was done."""
    said = _run(verb, config, more, known, _PATIENCE_S)
    assert said is not None, f"{verb} says nothing"
    return said


def _run(
    verb: str, config: Config, more: Config, known: set[str] | None, wait_s: float
) -> str | None:
    """Do `verb` in a process; return what it said in its end, or None when that did not
    come in time and it was killed."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    watch = placement_watch.LEASE_S, placement_watch.ABSENT_S
    told = (verb, config, more, known, theirs, watch)
    process = _CONTEXT.Process(target=work, args=told)
    process.start()
    theirs.close()
    said = str(ours.recv()) if ours.poll(wait_s) else None
    if said is None:
        process.kill()
    process.join()
    process.close()
    ours.close()
    return said
