"""What ends a transaction on one link, and whether its server may still be believed."""

from __future__ import annotations

from collections.abc import Callable

from routedb.engine.links.link import Link, is_verdict
from routedb.engine.links.links import Links
from routedb.engine.shared.core import Core
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.error_texts import overtaken_unknown

End = Callable[[Link], None]


def roll_back(links: Links, link: Link, end: End = Link.rollback) -> None:
    """Roll back on one link, by `end`. One that is gone was rolled back by its
    server. Raises what is no verdict; the link is gone then, too."""
    try:
        end(link)
    except BaseException as exc:  # any failure ends the link
        links.drop(link)
        if is_from_program(exc) or not is_verdict(link.adapter.adopt(exc)):
            raise


def may_send(core: Core, link: Link) -> bool:
    """Tell whether the commit of what was written on `link` can be sent without more
    ado: it is alive, its server believed, and nobody is to note the commit."""
    return not (
        core.topology.groups[link.node.group].fenced
        or core.config.databases[link.node.database].commit_check
        or not ((link.is_quiet and link.is_quiet(link.raw)) or link.is_alive())
    )


def check_overtaken(core: Core, link: Link) -> None:
    """Raise OutcomeUnknown for a commit that `link` has acknowledged when its node is
    found to be an old writer."""
    if is_overtaken(core, link):
        raise overtaken_unknown(link.node.name, "the commit")


def is_overtaken(core: Core, link: Link) -> bool:
    """Tell whether another node than that of `link` was seen to be the writer of a
    newer history.

    An old writer may go on while another node has been promoted: it was paused, cut
    off, or has not heard of it. What it accepts then is not in the group's history and
    will be lost. So a commit is not sent to it, and what it has acknowledged meanwhile
    is unknown.
    """
    return link.id in core.topology.groups[link.node.group].fenced
