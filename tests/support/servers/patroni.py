"""A Patroni cluster: etcd, and servers that Patroni starts, promotes and repairs.

Everything runs on this machine, also when other servers run in containers. Processes
are told apart by the folder they work in, as everywhere here.
"""

from __future__ import annotations

import base64
import contextlib
import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.servers.place import Local
from tests.support.servers.postgresql import PostgreSQL
from tests.support.servers.server import PASSWORD, USER, wait_until

# A leader that dies is missed when its key has run out. Patroni's documentation asks
# for a ttl of 20 at least, and for loop_wait + 2 * retry_timeout within it.
TTL_S = 20
PATIENCE_S = 120.0
SCOPE = "shop"

SETTINGS = """
scope: {scope}
name: {name}
restapi:
  listen: 127.0.0.1:{api}
  connect_address: 127.0.0.1:{api}
etcd3:
  host: 127.0.0.1:{etcd}
bootstrap:
  dcs:
    ttl: {ttl}
    loop_wait: 1
    retry_timeout: 5
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters:
        max_connections: 100
        wal_keep_size: 128MB
  initdb:
  - encoding: UTF8
  - locale: C.UTF-8
postgresql:
  listen: 127.0.0.1:{port}
  connect_address: 127.0.0.1:{port}
  data_dir: {folder}/data
  bin_dir: {bin_dir}
  pgpass: {folder}/pgpass
  authentication:
    superuser: {{ username: {user}, password: {password} }}
    replication: {{ username: follower, password: {password} }}
    rewind: {{ username: rewinder, password: {password} }}
  parameters:
    unix_socket_directories: ''
    shared_buffers: 32MB
    dynamic_shared_memory_type: mmap
    fsync: 'off'
    wal_log_hints: 'on'
    jit: 'off'
    logging_collector: 'off'
  pg_hba:
  - host all all 127.0.0.1/32 scram-sha-256
  - host replication all 127.0.0.1/32 scram-sha-256
tags: {tags}
watchdog:
  mode: 'off'
"""


class Member(PostgreSQL):
    """One server under its own Patroni. `start` and `kill` are those of both."""

    def __init__(
        self,
        name: str,
        place: Local,
        ports: tuple[int, int],
        etcd: int,
        tags: dict[str, bool] | None = None,
    ) -> None:
        super().__init__(name, place, ports[0])
        self.api = ports[1]
        bin_dir = str(Path(place.program("initdb")).parent)
        text = SETTINGS.format(
            scope=SCOPE,
            name=name,
            api=self.api,
            etcd=etcd,
            ttl=TTL_S,
            port=self.port,
            folder=self._folder,
            bin_dir=bin_dir,
            user=USER,
            password=PASSWORD,
            tags=json.dumps(tags or {}),
        )
        place.run("mkdir", self._folder)
        self._settings = f"{self._folder}/patroni.yml"
        self._write(self._settings, text)

    @property
    def url(self) -> str:
        """Where Patroni's REST interface is."""
        return f"http://127.0.0.1:{self.api}"

    def start(self) -> None:
        """Start Patroni, which starts the server."""
        _launch(self._place, self._folder, "patroni", self._settings)

    def renew(self) -> None:
        """Start without data, so that Patroni takes a copy of the leader's."""
        self.kill()
        self._place.run("rm", "-rf", self._data)
        self.start()

    def kill(self) -> None:
        """End Patroni and the server at once, with SIGKILL.

        Patroni goes first: seeing its server fall, it would take the standby's right
        to follow away, and nobody would lead.
        """

        def is_gone() -> bool:
            pids = " ".join(map(str, self._alive()))
            if pids:
                self._place.run("sh", "-c", f"kill -s KILL {pids} 2>/dev/null || true")
            return not pids

        wait_until(is_gone, f"{self.name} is gone")
        self._place.run("rm", "-f", self._pid_file)

    def stop(self, mode: str = "fast") -> None:
        """Shut down in order: the server ends, and Patroni takes its name away."""
        pid = self._alive()
        self._place.run("sh", "-c", f"kill -s TERM {pid[0]}")
        wait_until(lambda: not self._alive(), f"{self.name} stops", PATIENCE_S)

    def ask(self) -> dict[str, Any]:
        """Return what Patroni says of the whole cluster."""
        with urllib.request.urlopen(f"{self.url}/cluster", timeout=5) as answer:
            return dict(json.load(answer))

    @property
    def is_alive(self) -> bool:
        """Tell whether anything of it runs."""
        return bool(self._alive())

    def _alive(self) -> list[int]:
        """The processes that are Patroni's or the server's, Patroni first."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                folder = (entry / "cwd").readlink()
            except OSError:
                continue
            if folder.is_relative_to(self._folder):
                found.append((str(folder) != self._folder, int(entry.name)))
        return [pid for _, pid in sorted(found)]


class Patroni:
    """The cluster: its members by name, and what an operator does with it."""

    def __init__(self, place: Local) -> None:
        self.place = place
        client, peer = place.ports(2)
        self._etcd = client
        folder = f"{place.folder}/etcd"
        place.run("mkdir", folder)
        here, there = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        _launch(
            *(place, folder, "etcd", "--name", "e", "--data-dir", f"{folder}/data"),
            *("--listen-client-urls", here, "--advertise-client-urls", here),
            *("--listen-peer-urls", there, "--initial-advertise-peer-urls", there),
            *("--initial-cluster", f"e={there}"),
        )
        self.members: dict[str, Member] = {}

    def add(self, name: str, tags: dict[str, bool] | None = None) -> Member:
        """Start a new member."""
        port, api = self.place.ports(2)
        member = Member(name, self.place, (port, api), self._etcd, tags)
        self.members[name] = member
        member.start()
        return member

    @property
    def urls(self) -> list[str]:
        return [member.url for member in self.members.values()]

    def told(self) -> list[dict[str, Any]]:
        """Return the members as told by the first Patroni that answers."""
        for member in self.members.values():
            try:
                return list(member.ask()["members"])
            except OSError:
                continue
        return []

    def roles(self) -> dict[str, str]:
        """Return each member's role, in Patroni's words."""
        return {told["name"]: told["role"] for told in self.told()}

    def well(self) -> set[str]:
        """Return the members that run, and have followed the leader's timeline."""
        members = self.told()
        timelines = {m.get("timeline") for m in members if m["role"] == "leader"}
        running = [m for m in members if m["state"] in ("running", "streaming")]
        return {m["name"] for m in running if m.get("timeline") in timelines}

    def wait_well(self, names: Sequence[str], timeout: float = PATIENCE_S) -> None:
        """Wait until these members are well, and one is the standby that commits wait
        for where there are two."""
        wanted = {"leader", "sync_standby"} if len(names) > 1 else {"leader"}

        def is_well() -> bool:
            return set(names) <= self.well() and wanted <= {*self.roles().values()}

        wait_until(is_well, f"Patroni runs {', '.join(names)}", timeout)

    @property
    def leader(self) -> Member:
        """The member that leads now."""
        [name] = [n for n, role in self.roles().items() if role == "leader"]
        return self.members[name]

    def remove(self, name: str) -> None:
        """Stop a member for good, and have etcd forget it at once: by itself it does
        so when the ttl is over."""
        self.members.pop(name).stop()
        key = base64.b64encode(f"/service/{SCOPE}/members/{name}".encode()).decode()
        urllib.request.urlopen(
            f"http://127.0.0.1:{self._etcd}/v3/kv/deleterange",
            json.dumps({"key": key}).encode(),
            timeout=5,
        ).close()

    def mend(self) -> None:
        """Start whoever is down, and wait until all is well.

        Who does not get well by itself has a history that others do not share: what
        it had got of a leader that died.
        """
        for member in self.members.values():
            if not member.is_alive:
                member.start()
        with contextlib.suppress(TimeoutError):
            self.wait_well(list(self.members), 30)
        for name in set(self.members) - self.well():
            self.members[name].renew()
        self.wait_well(list(self.members))

    def switchover(self) -> str:
        """Have an operator move the lead to the synchronous standby, and return its
        name."""
        roles = self.roles()
        [candidate] = [n for n, role in roles.items() if role == "sync_standby"]
        leader = self.leader
        settings = f"{self.place.folder}/{leader.name}/patroni.yml"
        self.place.run(
            *(self.place.program("patronictl"), "-c", settings, "switchover", SCOPE),
            *("--master", leader.name, "--candidate", candidate, "--force"),
        )
        return candidate


def start_patroni(place: Local) -> Patroni:
    """Start etcd and three members, all new; the first one leads."""
    cluster = Patroni(place)
    cluster.add("p1")
    cluster.wait_well(["p1"])
    for name in ("p2", "p3"):
        cluster.add(name)
    cluster.wait_well(["p1", "p2", "p3"])
    return cluster


def _launch(place: Any, folder: str, program: str, *arguments: str) -> None:
    """Start a program that goes on in the background, in this folder."""
    place.run(
        *("sh", "-c", 'cd "$1" && shift && exec setsid "$@" >>log 2>&1 </dev/null &'),
        *("sh", folder, place.program(program), *arguments),
    )
