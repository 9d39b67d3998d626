"""The command line of the tests without servers."""

from __future__ import annotations

from tests.unit.cli.conftest import any_width, shell

__all__ = ["any_width", "shell"]
