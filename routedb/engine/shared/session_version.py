"""What tells that something about a session has changed. See `SessionVersion`."""

from __future__ import annotations

from typing import Generic, TypeVar

L = TypeVar("L")


class SessionVersion(Generic[L]):
    """The versions of one session that others compare with what they worked out.

    `sticky` has the link that plain reads of a group stay with, by group id: what the
    hot path looks up. It is another dict after every change of anything it was chosen
    by, so who takes it first, and then the rest, writes into what is thrown away when
    the rest has changed; and what was worked out for one dict holds while it is there.

    `constraints` is another object after every change but of what was seen: what
    `Session.is_unconstrained` holds for.

    `settings` is the number of the settings and the transaction mode that a link must
    have before its next statement.

    The parts of a session hold this object, not the session: each of them says in its
    own setters that it has changed, and no caller can forget to.
    """

    __slots__ = ("constraints", "settings", "sticky")

    def __init__(self) -> None:
        self.sticky: dict[int, L] = {}
        self.constraints = object()
        self.settings = 0

    def links_changed(self) -> None:
        """Say that the links, or what the session has seen over them, have changed."""
        self.sticky = {}

    def changed(self) -> None:
        """Say that something else has changed that routes depend on."""
        self.constraints = object()
        self.sticky = {}

    def settings_changed(self) -> None:
        """Say that links have to be given other settings, or another mode."""
        self.settings += 1
        self.changed()
