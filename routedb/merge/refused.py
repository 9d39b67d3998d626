"""What the runner says when it cannot answer exactly."""

from __future__ import annotations


class NotMerged(Exception):  # noqa: N818  (never leaves this package)
    """The rows that came cannot be merged exactly; the text says why."""
