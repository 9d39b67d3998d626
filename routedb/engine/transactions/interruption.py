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
from typing import NamedTuple

from routedb.engine.links.link import Link, is_verdict
from routedb.engine.links.links import Links
from routedb.engine.transactions.ends import roll_back
from routedb.engine.transactions.spread import Spread


class Beginning(NamedTuple):
    """How things stood when a call began."""

    at: float  # when, on the core's clock
    handled: (
        BaseException | None
    )  # the exception that was being handled: not the call's


def settle_commit(
    spread: Spread,
    links: Links,
    branches: Mapping[int, Link],
    wrote: Set[int],
    began: Beginning,
    exc: BaseException,
) -> bool | None:
    """Return whether a commit that `exc` has interrupted is done: None when that cannot
    be told. None of the `branches` has a transaction open then.

    `spread` knows more, where the commit was one of several groups. `wrote` are the
    groups written to: what became of the others is of no consequence,
    unless there are no such. `began` is how things stood when the commit did.
    """
    if spread.has_ended:
        return spread.committed
    over = {at: _is_over(links, link, began) for at, link in branches.items()}
    asked = [over[group] for group in branches if group in wrote] or [*over.values()]
    if None in asked:
        return None
    if not any(asked):
        return False
    before = began.handled
    has_failed = any(met_error(link, exc, before) for link in branches.values())
    # Some are committed and some are not, or the server may have refused.
    return True if all(asked) and not has_failed else None


def _is_over(links: Links, link: Link, began: Beginning) -> bool | None:
    """Tell whether no transaction was open on the link any more; None when it does not
    say so, or another thread has used it since: what is open may be that one's."""
    try:
        if link.is_alive() and not (link.is_busy() or link.used_at > began.at):
            if link.is_idle():
                return True
            roll_back(links, link)
            return False if links.open.get(link.id) is link else None
    except Exception as exc:  # the driver's own classes
        if not is_verdict(link.adapter.adopt(exc)):
            raise
    links.drop(link)
    return None


def was_ended(links: Links, link: Link) -> bool:
    """Tell whether the server has ended a transaction on the link by itself (MySQL
    after a deadlock, SQLite on a full disk), also because the link is lost: what
    follows must not be committed alone."""
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


def handled_outside(exc: BaseException) -> BaseException | None:
    """Return what was being handled when the statement of `exc` began: not an error of
    that statement itself, on its way when a signal came."""
    context, trace = exc.__context__, exc.__traceback__
    inner = None if context is None else context.__traceback__
    if inner is not None and trace is not None and inner.tb_frame is trace.tb_frame:
        return None
    return context
