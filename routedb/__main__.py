"""`python -m routedb` and `routedb`: the command line.

It is imported in a function, so that Ctrl-C while that lasts is no traceback.
"""

from __future__ import annotations

import sys

_INTERRUPTED = 130  # as in routedb.cli.streams, which is not imported yet


def main(prog_name: str = "routedb") -> None:
    """Run the command line, which calls itself `prog_name` in its help."""
    try:
        from routedb.cli import main as command  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.stderr.write("routedb: interrupted\n")
        sys.exit(_INTERRUPTED)
    command(prog_name=prog_name)


if __name__ == "__main__":
    main("python -m routedb")
