"""Run on a raw cursor."""

from __future__ import annotations

from contextlib import nullcontext

from routedb.adapters.base import RawCursor
from routedb.engine.link import Link
from routedb.engine.session import Call, Session


def run_on(d: Session, link: Link, call: Call, raw: RawCursor) -> None:
    """Run on a raw cursor: counted as load, one thread at a time where needed."""
    loads, node = d.core.loads, link.node.id
    loads[node] += 1
    try:
        with link.lock or nullcontext():
            call(raw)
    finally:
        loads[node] -= 1
        link.used_at = d.core.clock()
