"""What every command does first: read CONFIG, open it, turn errors into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from routedb import errors
from routedb.cli.streams import FAILED
from routedb.cluster import Cluster
from routedb.config.mask import mask
from routedb.config.model import ClusterConfig
from routedb.runtime import read_config
from routedb.topology.snapshot import NodeState

WRONG = 2  # the configuration or the command line; click's own code for the latter

_SETTLE_S = 2.0  # how long to wait for the first answer of each node

config_argument = click.argument("source", metavar="CONFIG")


def load_config(source: str) -> ClusterConfig:
    """Read CONFIG. Exits with 2 when it is wrong."""
    with report_errors():
        return read_config(config_source(source), {})


@contextmanager
def open_cluster(source: str) -> Iterator[Cluster]:
    """Open CONFIG for the length of a block; errors in it end the program."""
    with report_errors(), Cluster(config_source(source)) as cluster:
        yield cluster


def wait_for_nodes(cluster: Cluster) -> None:
    """Wait, briefly, until the nodes of every group of several were probed.

    A program that runs one statement would otherwise find no replica to read from.
    """
    core = cluster.runtime.core
    deadline = core.clock() + _SETTLE_S
    while True:
        topology = core.topology
        is_known = all(
            group.is_single
            or all(node.state is not NodeState.UNKNOWN for node in group.nodes)
            for group in topology.groups
        )
        if is_known or not core.await_news(topology.version, deadline):
            return


@contextmanager
def report_errors() -> Iterator[None]:
    """Print a routedb error of the block and exit with the code for it."""
    try:
        yield
    except errors.ConfigError as exc:
        print_error(exc)
        sys.exit(WRONG)
    except (errors.Error, errors.Warning) as exc:
        print_error(exc)
        sys.exit(FAILED)


def print_error(exc: BaseException) -> None:
    """Print an error, without passwords, on the error stream."""
    click.echo(f"{type(exc).__name__}: {mask(str(exc).strip())}", err=True)


def config_source(source: str) -> str | Path:
    """Return CONFIG as `connect` takes it.

    A file may have any name; it is told from a DSN by its existence.
    """
    path = Path(source)
    try:
        return path if path.is_file() else source
    except (OSError, ValueError):  # too long for a path, or a NUL byte in it
        return source
