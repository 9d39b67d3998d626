"""What a link shows to shards whose rows move: the version of the placements it knows.

After a switch a shard still has the table, for the rows that stay. No server can tell
for a key that was never there whether it belongs to the shard, so its triggers refuse
whoever does not show that the switch is known: a setting of the session, which is set
before the first write by a plan that was made since. A link that shows it is never
written to by an older plan.
"""

from __future__ import annotations

from routedb.engine.links.link import Link
from routedb.engine.shared.core import Core
from routedb.routing.plan import Plan
from routedb.session.fence import guard_text


def show(core: Core, plan: Plan, link: Link) -> None:
    """Have `link` show what `plan`, which is to write there, is made by. Raises what
    the driver raises."""
    wanted = plan.guard
    if core.rules is not plan.rules:  # the servers are to say whether it is too old
        wanted = 0
    elif wanted <= link.guard:
        return
    text = guard_text(link.adapter.dialect, wanted)
    if text and wanted != link.guard:
        link.run(text)
        link.guard = wanted
