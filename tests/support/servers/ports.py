"""Ports for servers that come and go."""

from __future__ import annotations

import random
import socket


def free_ports(count: int) -> list[int]:
    """Return ports that nobody uses.

    They lie below those the kernel gives to clients: else a client could be sitting on
    the port of a server that is down for a while, or be connected to itself.
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range") as limits:
        lowest = int(limits.read().split()[0])
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(max(1024, lowest - 16_000), lowest)
        if port not in ports and _is_free(port):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
