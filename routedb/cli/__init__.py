"""The command line: `routedb check`, `explain`, `run`, `setup`, `move` and others.

A module for each command, which reads its arguments, opens a cluster as any program
does (`startup`), and prints. In comes a configuration; out go tables and an exit code.
"""

from __future__ import annotations

import click

import routedb
from routedb.cli.streams import GuardedGroup

_CODES = """\b
Exit codes:
  0  all is well
  1  something failed: a node cannot be reached, a group has no writer,
     a statement was refused or failed, the output could not be written
  2  the configuration or the command line is wrong
  130  interrupted
"""


@click.group(
    cls=GuardedGroup,
    epilog=_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(routedb.__version__, prog_name="routedb")
def main() -> None:
    """Send each SQL statement to the right real database.

    CONFIG is a TOML file, or the DSN of one database.
    """


main.modules = {
    name: f"routedb.cli.{name}"
    for name in (
        *("check", "demo", "explain", "move", "recover", "run", "setup", "shards"),
        "sql",
    )
}

__all__ = ["main"]
