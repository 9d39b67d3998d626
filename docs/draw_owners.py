"""Draw who holds whom into `architecture.rst`, and see that the code has it so.

python docs/draw_owners.py            write the picture
python docs/draw_owners.py --check    fail if it is not what is written here

An attribute that its class does not have any more, or a class that is gone, is an
error: the picture cannot name what does not exist.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

TARGET = Path(__file__).with_name("architecture.rst")
PICTURE = re.compile(r"(?<=^\.\. owners\n).*?(?=^\.\. end of owners$)", re.M | re.S)


class Holder(NamedTuple):
    """An object, under the attribute by which its owner has it.

    `kind` is `module.Class` below routedb, or plain words for what is no class of ours.
    """

    attribute: str
    kind: str
    note: str = ""
    parts: tuple[Holder, ...] = ()


LINK = Holder(
    "open",
    "engine.links.link.Link",
    "one for each node that was used",
    (
        Holder("raw", "the driver's connection"),
        Holder("adapter", "adapters.base.Adapter", "shared by all"),
    ),
)
SESSION = Holder(
    "session",
    "engine.session.Session",
    "its state",
    (
        Holder(
            "version",
            "engine.shared.session_version.SessionVersion",
            "the hot path compares it",
            (Holder("sticky", "engine.links.link.Link", "some of those, by group"),),
        ),
        Holder(
            "links",
            "engine.links.links.Links",
            "",
            (
                LINK,
                Holder("settings", "session.settings_log.SettingsLog", "replayed"),
                Holder("pins", "session.pins.Pins", "what lives on one link"),
            ),
        ),
        Holder(
            "tracker",
            "engine.consistency.tracker.ConsistencyTracker",
            "",
            (Holder("read_states", "session.read_state.ReadState", "by group"),),
        ),
        Holder(
            "transaction",
            "engine.transactions.transaction.Transaction",
            "",
            (Holder("branches", "engine.links.link.Link", "some of those, by group"),),
        ),
    ),
)
CORE = Holder(
    "core",
    "engine.shared.core.Core",
    "shared by all connections",
    (
        Holder("config", "config.model.ClusterConfig"),
        Holder("topology", "topology.snapshot.Snapshot", "replaced, never changed"),
        Holder(
            "ruleset",
            "engine.plans.ruleset.Ruleset",
            "replaced as a whole",
            (
                Holder("rules", "routing.rules.Rules"),
                Holder(
                    "plan_caches", "engine.plans.plan_cache.PlanCache", "by using()"
                ),
            ),
        ),
        Holder(
            "pools",
            "engine.pool.pools.Pools",
            "",
            (Holder("_pools", "engine.pool.pool.Pool", "one for each node"),),
        ),
        Holder("upkeep", "engine.pool.upkeep.Upkeep", "a thread"),
        Holder("open_links", "engine.shared.link_registry.LinkRegistry", "weakly"),
    ),
)
TREES = (
    Holder(
        "",
        "runtime.Runtime",
        "one for each configuration",
        (
            CORE,
            Holder(
                "monitor",
                "monitor.Monitor",
                "",
                (Holder("_workers", "monitor.workers.Workers", "its threads"),),
            ),
            Holder(
                "_connections",
                "frontends.connection.Connection",
                "weakly: the program's",
                (SESSION,),
            ),
        ),
    ),
    Holder(
        "",
        "frontends.cursor.Cursor",
        "the program's",
        (
            Holder("session", "engine.session.Session", "its connection's"),
            Holder("raw_cursors", "the driver's cursors", "one for each link used"),
            Holder("link", "engine.links.link.Link", "of the last statement"),
            Holder("route", "routing.route.Route", "of the last statement"),
        ),
    ),
)


def document(page: str) -> str:
    """Return the page with the picture as it is written here."""
    lines = [line for tree in TREES for line in (*_lines(tree), "")]
    picture = textwrap.indent("\n".join(lines), "   ").rstrip(" ")
    return PICTURE.sub(f"\n::\n\n{picture}\n".replace("\\", r"\\"), page)


def missing() -> list[str]:
    """Return what the picture names and the code does not have."""
    return [name for tree in TREES for name in _missing(tree)]


def _lines(holder: Holder, before: str = "", last: bool | None = None) -> Iterator[str]:
    """The holder, then its parts. `last`: the last of its siblings; None: a root."""
    name = holder.kind.rpartition(".")[2] if _is_ours(holder) else holder.kind
    text = f"{holder.attribute}: {name}" if holder.attribute else name
    branch = "" if last is None else "`-- " if last else "|-- "
    line = f"{before}{branch}{text}"
    yield f"{line:<50}{holder.note}".rstrip()
    below = before + ("" if last is None else "    " if last else "|   ")
    for part in holder.parts:
        yield from _lines(part, below, part is holder.parts[-1])


def _missing(holder: Holder) -> Iterator[str]:
    if not _is_ours(holder):
        return
    module, _, name = holder.kind.rpartition(".")
    kind = getattr(import_module(f"routedb.{module}"), name, None)
    if kind is None:
        yield holder.kind
        return
    has = _attributes(kind)
    for part in holder.parts:
        if part.attribute not in has:
            yield f"{holder.kind}.{part.attribute}"
        yield from _missing(part)


def _is_ours(holder: Holder) -> bool:
    return "." in holder.kind


def _attributes(kind: type) -> set[str]:
    """What the code of the class and its bases assigns to `self`; properties, slots."""
    found = set(dir(kind))
    for each in kind.__mro__:
        if each.__module__.startswith("routedb."):
            tree = ast.parse(textwrap.dedent(inspect.getsource(each)))
            found |= {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            }
    return found


def main(arguments: Sequence[str]) -> int:
    """Write the picture or, with `--check`, compare it."""
    gone = missing()
    if gone:
        print(f"the code does not have {', '.join(gone)}")
        return 1
    page = TARGET.read_text(encoding="utf-8")
    text = document(page)
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if text != page:
        print(f"{TARGET.name} is old: run python docs/{Path(__file__).name}")
    return int(text != page)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
