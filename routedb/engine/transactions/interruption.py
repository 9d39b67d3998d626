"""After an exception that is no verdict: what became of the branches.

A driver's call returns, or raises one of the driver's errors, and each of these is
judged. Anything else may come out of it too, at any line of ours as well: what a signal
handler raises (KeyboardInterrupt, a task's time limit), or a callback of the user's.
Then nobody has taken note of what the server did. So the link is asked, and what is
still open there is rolled back before anybody can use it; a link that cannot tell is
dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.engine.transactions.commit import is_verdict, roll_back


def settle_commit(
    links: Links,
    branches: Mapping[int, Link],
    wrote: Set[int],
    exc: BaseException,
    before: BaseException | None,
) -> bool | None:
    """Return whether a commit that `exc` has interrupted is done: None when that cannot
    be told. None of the `branches` has a transaction open then.

    `wrote` are the groups written to: what became of the others is of no consequence,
    unless there are no such. `before` is the exception that was being handled when the
    commit began.
    """
    over = {group: _is_over(links, link) for group, link in branches.items()}
    asked = [over[group] for group in branches if group in wrote] or [*over.values()]
    if None in asked:
        return None
    if not any(asked):
        return False
    has_failed = any(met_error(link, exc, before) for link in branches.values())
    # Some are committed and some are not, or the server may have refused.
    return True if all(asked) and not has_failed else None


def _is_over(links: Links, link: Link) -> bool | None:
    """Tell whether no transaction was open on the link any more; None when it does not
    say so."""
    try:
        if link.is_alive():
            if link.is_idle():
                return True
            roll_back(links, link)
            return False if links.open.get(link.id) is link else None
    except Exception:  # the driver's own classes
        links.drop(link)
        return None
    links.drop(link)
    return None


def is_idle_or_gone(links: Links, link: Link) -> bool:
    """Tell whether no transaction is open on the link, also because it is lost."""
    try:
        return link.is_idle()
    except BaseException as exc:
        links.drop(link)
        if not is_verdict(link.adapter.adopt(exc)):
            raise
        return True


def met_error(link: Link, exc: BaseException, before: BaseException | None) -> bool:
    """Tell whether an error of the driver of `link` was on its way when `exc` came.

    `before` is the exception that was being handled when the call began, the program's
    own affair, None when there was none.
    """
    seen = {id(before)}
    context = exc.__context__
    while context is not None and id(context) not in seen:
        seen.add(id(context))
        if is_verdict(link.adapter.adopt(context)):
            return True
        context = context.__context__
    return False
