"""Build in a folder of its own: what the last build left is in no wheel.

All else is in setup.cfg. setuptools copies modules to `build/lib` in the checkout,
never removes one, and packs all that lies there: a deleted module would come back.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory

from setuptools import setup
from setuptools.command.build import build

_FOLDER = TemporaryDirectory(prefix="routedb-build-")  # removed when the process ends


class Build(build):
    """setuptools' command, with another `build_base`."""

    def initialize_options(self) -> None:
        super().initialize_options()
        self.build_base = _FOLDER.name


setup(cmdclass={"build": Build})
