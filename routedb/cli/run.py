"""`routedb run`: a whole Python program, with the drivers' `connect` rebound.

The program must not notice how it was started: sys.argv, sys.path, the exit code and
the traceback are as under `python` alone. So click handles none of its exceptions.
"""

from __future__ import annotations

import atexit
import os
import runpy
import sys
import zipfile
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import click

from routedb.cli import console_scripts
from routedb.cli.startup import config_source, report_errors
from routedb.cli.streams import guarded
from routedb.integrations.patch import patch
from routedb.reports import report

_INTERRUPTED = 130  # the exit code of a program that SIGINT has ended
_OWN = ("routedb.", "click.", "runpy", "importlib.")  # modules that start the program


class _Program(click.Command):
    """A command line that ends where the program's own begins, as python's does. Up to
    there its ends are ours; what comes then is the program's affair."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """Read the command line; `--help` is printed here."""
        with guarded():
            return super().make_context(*args, **more)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        valued = {
            name
            for option in self.params
            if isinstance(option, click.Option) and not option.is_flag
            for name in option.opts
        }
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] != "--":
            is_last = args[at].startswith(("-m", "-c"))
            at += 2 if args[at] in valued else 1
            if is_last:
                break
        if at > len(args):  # the last option lacks its value
            return super().parse_args(ctx, args)
        rest = args[at + 1 :] if args[at : at + 1] == ["--"] else args[at:]
        return super().parse_args(ctx, [*args[:at], "--", *rest])


@click.command(cls=_Program)
@click.option(
    "--config",
    metavar="CONFIG",
    help="Takes the place of the addresses that the program passes.",
)
@click.option(
    "--driver",
    "drivers",
    multiple=True,
    metavar="NAME",
    help="psycopg2 or MySQLdb, where the default is not right. Repeat for both.",
)
@click.option(
    "--shadow",
    is_flag=True,
    help="Run all on writers; at the end show on standard error where it would go.",
)
@click.option(
    "--report",
    "is_reported",
    is_flag=True,
    help="At the end show on standard error where the statements went.",
)
@click.option("-m", "module", metavar="MODULE", help="Run a module, as python -m does.")
@click.option("-c", "code", metavar="CODE", help="Run a text, as python -c does.")
@click.argument("words", nargs=-1, metavar="[SCRIPT] [ARGUMENTS]...")
def run(
    config: str | None,
    drivers: tuple[str, ...],
    shadow: bool,
    is_reported: bool,
    module: str | None,
    code: str | None,
    words: tuple[str, ...],
) -> None:
    """Run a Python program whose connections become routedb's.

    SCRIPT is a path, or a command that is a Python script: dbt, celery, gunicorn.

    Its calls of psycopg2.connect and MySQLdb.connect are routedb.connect. Without
    --config and ROUTEDB_CONFIG the address it passes is a cluster of one node.
    """
    if module is not None:
        start = _module(module, words)
    elif code is not None:
        start = _code(code, words)
    elif words:
        start = _script(words)
    else:
        raise click.UsageError("give a script, -m and a module, or -c and code")
    with report_errors():
        source = None if config is None else config_source(config)
        options = {"shadow": True} if shadow else {}
        patch(source, drivers=drivers or None, **options)
    if shadow or is_reported:
        atexit.register(_show_report)
    _carry_on(start)


def _show_report() -> None:
    click.echo(f"\n{report()}", err=True)


def _script(words: tuple[str, ...]) -> Callable[[], Any]:
    """Return what runs a script, or a folder or archive with a __main__.py, or else the
    script of a command."""
    path = words[0]
    if not _can_run(path):
        found = console_scripts.find(path)
        if found is None and not Path(path).exists():
            raise click.UsageError(
                f"can't open file {path!r}: there is none, nor a command on PATH"
            )
        path = found or path
    sys.argv = [path, *words[1:]]
    if not Path(path).is_file() or zipfile.is_zipfile(path):
        return lambda: runpy.run_path(path, run_name="__main__")
    _search_first(os.path.dirname(os.path.realpath(path)))
    return lambda: _execute(os.path.abspath(path))


def _can_run(path: str) -> bool:
    """Tell whether python would run it; a folder may just have a command's name."""
    return Path(path).is_file() or Path(path, "__main__.py").is_file()


def _code(text: str, words: tuple[str, ...]) -> Callable[[], Any]:
    """Return what runs a text."""
    sys.argv = ["-c", *words]
    _search_first("")
    return lambda: _run_as_main(ModuleType("__main__"), text, "<string>")


def _execute(path: str) -> None:
    """Run a file as the module __main__, which stays in sys.modules to the end:
    threads, functions at exit and spawned processes use it. (runpy removes it, and sets
    __file__ to the path as it is written.)"""
    module = ModuleType("__main__")
    module.__file__ = path
    module.__loader__ = SourceFileLoader("__main__", path)
    _run_as_main(module, Path(path).read_bytes(), path)


def _run_as_main(module: ModuleType, text: str | bytes, name: str) -> None:
    sys.modules["__main__"] = module
    exec(compile(text, name, "exec", dont_inherit=True), module.__dict__)


def _module(name: str, words: tuple[str, ...]) -> Callable[[], Any]:
    """Return what runs a module; runpy puts its file into sys.argv."""
    sys.argv = [name, *words]
    _search_first(os.getcwd())
    return lambda: runpy.run_module(name, run_name="__main__", alter_sys=True)


def _search_first(folder: str) -> None:
    """Let the program import what lies beside it, as python has it (sys.path)."""
    if not getattr(sys.flags, "safe_path", False):  # python -P says not to; 3.11
        sys.path[0] = folder


def _carry_on(start: Callable[[], Any]) -> None:
    """Run the program. What it raises is printed as python prints it."""
    try:
        start()
    except SystemExit:
        raise
    except BaseException as exc:
        trace = _below(exc.__traceback__)
        if trace is None and isinstance(exc, ImportError):  # of the module itself
            raise click.ClickException(str(exc)) from None
        sys.excepthook(type(exc), exc.with_traceback(trace), trace)
        sys.exit(_INTERRUPTED if isinstance(exc, KeyboardInterrupt) else 1)


def _below(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that is the program's own."""
    while trace is not None:
        name = f"{trace.tb_frame.f_globals.get('__name__', '')}."
        if not name.startswith(_OWN):
            break
        trace = trace.tb_next
    return trace
