"""Where the servers of one cluster run: the machine itself, as an unprivileged user.

A place runs commands and owns a folder; everything else about servers is written once,
in terms of commands. `container.py` has the other place.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Protocol

from tests.support.servers.ports import free_ports
from tests.support.servers.reaper import Reaper


class MissingServer(Exception):
    """A program is not on this machine; the text says what to install."""


class CommandFailed(Exception):
    """A command ended badly; the text has its output."""


class Place(Protocol):
    folder: str
    listen: str

    def ports(self, count: int) -> list[int]:
        """Return ports for servers to listen at, the same ones each time or new."""

    def program(self, name: str) -> str:
        """Find a program or raise MissingServer."""

    def run(self, *argv: str) -> str:
        """Run a command to its end, in the folder, and return what it printed."""

    def close(self) -> None:
        """End every process of the place and remove its folder."""


PACKAGES = {
    "etcd": "etcd-server",
    "mariadb-install-db": "mariadb-server",
    "mariadbd": "mariadb-server",
    "patroni": "patroni",
    "patronictl": "patroni",
}


class Local:
    """This machine. Servers refuse to run as root, so root lends them a user."""

    listen = "127.0.0.1"

    def __init__(self, user: str, reaper: Reaper) -> None:
        self._owner = _owner(user) if os.getuid() == 0 else None
        # Root's own TMPDIR may be closed to the other user.
        self.folder = tempfile.mkdtemp(
            prefix="routedb-tests-", dir="/tmp" if self._owner else None
        )
        reaper.watch("folder", self.folder)
        if self._owner:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        self._reaper = reaper
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": self.folder,
            "LC_ALL": "C.UTF-8",
        }

    def ports(self, count: int) -> list[int]:
        return free_ports(count)

    def program(self, name: str) -> str:
        found = shutil.which(name, path=os.pathsep.join(_folders()))
        if found is None:
            package = PACKAGES.get(name, "postgresql")
            raise MissingServer(
                f"{name} is not on this machine and the tests need a real server: "
                f"install Debian's package {package} (apt-get install {package}), "
                "or let `make test` do it as root"
            )
        return found

    def run(self, *argv: str) -> str:
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            user=self._owner.pw_uid if self._owner else None,
            group=self._owner.pw_gid if self._owner else None,
            extra_groups=[] if self._owner else None,
        )
        return checked(argv, done.returncode, done.stdout)

    def close(self) -> None:
        self._reaper.reap("folder", self.folder)


def open_place(user: str, reaper: Reaper) -> Place:
    """Open the place that ROUTEDB_TEST_CONTAINERS chooses, for servers of a user."""
    if os.environ.get("ROUTEDB_TEST_CONTAINERS") == "1":
        from tests.support.servers.container import Container  # noqa: PLC0415  # slow to import

        return Container(user, reaper)
    return Local(user, reaper)


def checked(argv: Sequence[str], code: int, output: str) -> str:
    """Return the output of a command that went well, else raise with it."""
    if code:
        raise CommandFailed(f"exit code {code} of {' '.join(argv)}\n{output}")
    return output


def _owner(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        return pwd.getpwnam("nobody")


def _folders() -> list[str]:
    """Return where server programs lie: Debian keeps PostgreSQL's off the PATH."""
    versions = glob.glob("/usr/lib/postgresql/*/bin")
    versions.sort(key=lambda folder: float(folder.split("/")[4]), reverse=True)
    return [*versions, *os.get_exec_path(), "/usr/sbin", "/usr/local/sbin"]
