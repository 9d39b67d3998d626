"""How a command ends when its streams fail, or when it is interrupted: with one line.

Standard input or output may be closed, the disk full, the reader of a pipe gone, and
Ctrl-C may come at any time. Of none of these a traceback tells more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, NoReturn

import click

FAILED = 1  # a node, a group, a statement, or a stream
INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT
NO_INPUT = "standard input is closed"


class Input(click.File):
    """A file to read; `-` is standard input, and wrong when that is closed."""

    def convert(self, value: Any, *where: Any) -> Any:
        """Return the open file for a `value` of the command line, which stands `where`
        click says. Raises BadParameter when there is none."""
        if value == "-" and sys.stdin is None:
            self.fail(NO_INPUT, *where)
        return super().convert(value, *where)


class GuardedVerbs(click.Group):
    """A command that is a group of others: its own output, `--help`, ends so."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """Read the command line up to the name of a command."""
        with guarded():
            return super().make_context(*args, **more)


class GuardedGroup(GuardedVerbs):
    """A group whose own output, `--help` and `--version`, ends so.

    A command is a module's attribute of the same name. It is imported when it is named:
    what the others need takes longer than most of them.
    """

    modules: Mapping[str, str] = {}  # by the command's name

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, whatever `ctx`."""
        return sorted(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command `cmd_name`, None when there is none; `ctx` is not used."""
        if cmd_name not in self.modules:
            return None
        with guarded():
            module = import_module(self.modules[cmd_name])
        command: click.Command = getattr(module, cmd_name)
        return command


class Guarded(click.Command):
    """A command that ends with one line and an exit code in these cases."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """Read the command line; files are opened, and `--help` is printed here."""
        with guarded():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command in its context `ctx`; return what it returns."""
        with guarded():
            return super().invoke(ctx)


@contextmanager
def guarded() -> Iterator[None]:
    """End the program with one line when the block fails for its streams."""
    if sys.stdout is None:
        _end("standard output is closed", FAILED)
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, as the interpreter would do it too late
    except OSError as exc:
        if isinstance(exc, BrokenPipeError):
            _end("nobody reads standard output any more", FAILED, exc)
        _end(f"{type(exc).__name__}: {exc}", FAILED, exc)
    except KeyboardInterrupt as exc:
        _end("interrupted", INTERRUPTED, exc)


def _end(text: str, code: int, cause: BaseException | None = None) -> NoReturn:
    with suppress(OSError):
        click.echo(f"routedb: {text}", err=True)
    _forget_output()
    raise SystemExit(code) from cause


def _forget_output() -> None:
    """Have what is still in buffers written nowhere: the interpreter would try to."""
    with suppress(OSError, ValueError, AttributeError):  # none, closed, or no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
