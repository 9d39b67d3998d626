"""The settings of a session, on a link of our own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routedb.engine.links.link import Link
from routedb.session.settings_log import Setting


def replay(link: Link, settings: Iterable[Setting]) -> None:
    """Run the texts of `settings` on `link`. Raises what the driver raises."""
    for setting in settings:
        link.ask(_run, link.adapter, setting)


def _run(raw: Any, adapter: Any, setting: Setting) -> None:
    cursor = adapter.cursor(raw)
    if setting.params is None:
        cursor.execute(setting.sql)
    else:
        cursor.execute(setting.sql, setting.params)
    cursor.close()
