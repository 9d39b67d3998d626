"""Text on the terminal, and plain text without one."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

_UNLIMITED = 10_000  # columns without a terminal: a script needs whole lines


def console(width: int = _UNLIMITED, stderr: bool = False) -> Console:
    """Return a console for standard output as it is now; `stderr`: for the errors.

    `width` is for output that is no terminal; COLUMNS overrides it. Printed text is not
    read as markup: routes and names have brackets.
    """
    stream = sys.stderr if stderr else sys.stdout
    is_free = not stream.isatty() and "COLUMNS" not in os.environ
    return _Console(
        markup=False,
        emoji=False,
        highlight=False,
        width=width if is_free else None,
        stderr=stderr,
    )


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command: rich ends the program without a word."""
        broken = sys.exc_info()[1]
        assert broken is not None  # rich calls this where it has caught it
        raise broken


def cells(*values: object, style: str = "") -> list[Text]:
    """Return `values` as one row for a table, safe to print, in a style of rich."""
    return [Text(plain(value), style=style) for value in values]


def plain(value: object) -> str:
    """Return a value as text without control characters of terminals."""
    if is_binary(value):
        return hexadecimal(value)
    text = "NULL" if value is None else str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def is_binary(value: object) -> bool:
    """Tell whether a value is bytes, in whatever type the driver has for them."""
    return isinstance(value, bytes | bytearray | memoryview)


def hexadecimal(value: Any) -> str:
    """Return bytes as PostgreSQL writes them: \\x00ff."""
    return f"\\x{bytes(value).hex()}"


def milliseconds(seconds: float) -> str:
    """Return a duration in seconds as text in milliseconds."""
    return f"{seconds * 1000:.1f} ms"
