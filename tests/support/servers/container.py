"""The other place where the servers of a cluster run: one container for all of them.

The commands are the same as on the machine itself. Servers publish the ports they
listen at, on loopback, so clients inside and outside use the same addresses.
"""

from __future__ import annotations

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer, ExecConfig

from tests.support.servers.images import image_for
from tests.support.servers.place import checked
from tests.support.servers.ports import free_ports
from tests.support.servers.reaper import Reaper

# Its image would come from a registry; our own reaper does the same.
testcontainers_config.ryuk_disabled = True

# As the first process it collects the dead servers and ends when told to.
IDLE = 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'
PORTS = 3

_LOOK = """
command -v "$1" || for each in /usr/lib/postgresql/*/bin/"$1"; do echo "$each"; done
"""


class Container:
    """A container with idle server programs, to be used like a machine."""

    listen = "*"
    folder = "/tmp/routedb-tests"

    def __init__(self, user: str, reaper: Reaper) -> None:
        self._user = user
        self._reaper = reaper
        self._ports = free_ports(PORTS)
        self._container = DockerContainer(image_for(user))
        self._container.with_kwargs(entrypoint=["sh", "-c", IDLE])
        for port in self._ports:
            # with_bind_ports() takes no address, and would publish to the world.
            self._container.ports[str(port)] = ("127.0.0.1", port)  # type: ignore[assignment]
        self._container.start()
        self._id = self._container.get_container_id()
        reaper.watch("container", self._id)
        make = f"mkdir {self.folder} && chown {user}: {self.folder}"
        self._exec(["sh", "-c", make], ExecConfig(["sh", "-c", make], user="root"))

    def ports(self, count: int) -> list[int]:
        return self._ports[:count]

    def program(self, name: str) -> str:
        return self.run("sh", "-c", _LOOK, "sh", name).split()[-1]

    def run(self, *argv: str) -> str:
        command = ExecConfig(
            list(argv),
            user=self._user,
            workdir=self.folder,
            environment={"HOME": self.folder, "LC_ALL": "C.UTF-8"},
        )
        return self._exec(list(argv), command)

    def close(self) -> None:
        self._reaper.reap("container", self._id)
        self._container.get_docker_client().client.close()

    def _exec(self, argv: list[str], command: ExecConfig) -> str:
        done = self._container.exec(command)
        return checked(argv, done.exit_code or 0, done.output.decode())
