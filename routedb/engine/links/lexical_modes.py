"""How the sessions of a database read quotes: asked of the links that are open.

A text is read by this before anything is known of it, its hint too. Where the links of
the database disagree, a text that they read differently is not read at all.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from routedb.config.model import DatabaseConfig
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.sql import UNSETTLED, LexicalMode
from routedb.sql.lexical_mode import common_mode


def lexical_mode(
    links: Links, database: DatabaseConfig, branches: Collection[Link]
) -> LexicalMode:
    """Return how the sessions of `database` read quotes, by those among `links` that
    have all settings; where there is none, one is brought up to date, or opened.

    `branches` are the links of the transaction: they alone count where it is on the
    database, and none may take their place. Raises what `find_node` raises, and what
    the driver raises when the server is asked.
    """
    bound = [link for link in branches if link.node.database == database.name]
    modes = set()
    for link in bound or _up_to_date(links, database):
        with suppress(Exception):  # of the driver: it is dead, or has rows to fetch
            modes.add(link.lexical_mode())
    if not modes and bound:
        return UNSETTLED
    if not modes:
        modes.add(_open(links, database.groups[0].id).lexical_mode())
    return common_mode(modes)


def _up_to_date(links: Links, database: DatabaseConfig) -> list[Link]:
    version = links.settings.version
    return [
        link
        for link in links
        if link.node.database == database.name and link.settings_version == version
    ]


def _open(links: Links, group: int) -> Link:
    """Open a link to the writer, or while there is none, to any other node."""
    if links.core.topology.groups[group].writer is None:
        return find_node.reader(links, group, 0, must_live=True)
    return find_node.writer(links, group, must_live=True)
