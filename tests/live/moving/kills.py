"""A mover in a process of its own, which dies at a step as by SIGKILL."""

from __future__ import annotations

import multiprocessing
import os
import random
from multiprocessing.connection import Connection
from random import Random
from typing import Any

from routedb import errors, move
from routedb.engine.shared import placement_watch

_DIED = 9
_PATIENCE_S = 60.0
Config = dict[str, Any]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.live.moving.kills"])


def work(
    verb: str, config: Config, more: Config, known: set[str] | None, to: Connection
) -> None:
    """Do `verb`; die at the first step that is not `known`, after telling it. None: all
    are."""

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
    verb: str, config: Config, rng: Random, kills: int = 4, **more: Any
) -> None:
    """Do `verb`, killed up to so many times at a moment of chance, until it is done."""
    while True:
        wait_s = rng.uniform(0.05, 1.0) if kills > 0 else _PATIENCE_S
        kills -= 1
        said = _for_a_while(verb, config, more, wait_s)
        if said == "":
            return
        assert said is None or "another mover works" in said, said


def _for_a_while(verb: str, config: Config, more: Config, wait_s: float) -> str | None:
    """Do `verb` in a process; return what it raised, nothing when it was done, or None
    when it was killed after a while."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=work, args=(verb, config, more, None, theirs))
    process.start()
    theirs.close()
    said = str(ours.recv()) if ours.poll(wait_s) else None
    process.kill()
    process.join()
    process.close()
    ours.close()
    return said


def once(
    verb: str, config: dict[str, Any], more: dict[str, Any], known: set[str]
) -> str:
    """Do `verb` in a process; return the step that it died at, or what it raised, or
    nothing when it was done."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=work, args=(verb, config, more, known, theirs))
    process.start()
    theirs.close()
    assert ours.poll(_PATIENCE_S), f"{verb} says nothing"
    said = str(ours.recv())
    process.join()
    process.close()
    ours.close()
    return said


def killed_at_random(
    verb: str, config: Config, rng: random.Random, times: int, **more: Any
) -> None:
    """Do `verb`, killed so many `times` at moments of chance, until it is done."""
    for _ in range(times):
        process = _CONTEXT.Process(target=_do, args=(verb, config, more))
        process.start()
        process.join(rng.uniform(0.2, 2.0))
        process.kill()
        process.join()
        process.close()
    while True:
        try:
            getattr(move, verb)(config, "m", **more)
            return
        except errors.OperationalError as exc:
            if "another mover works" not in str(exc):
                raise


def _do(verb: str, config: Config, more: Config) -> None:
    # As the tests have them where rows move between shards.
    placement_watch.LEASE_S, placement_watch.ABSENT_S = 0.7, 0.5
    getattr(move, verb)(config, "m", **more)
