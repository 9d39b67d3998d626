"""One address in front of several servers, as a TCP balancer or a DNS name is."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.proxy.line import Proxy


class Balancer(Proxy):
    """Lead each new connection to the next of `targets`, pairs of host and port."""

    def __init__(self, targets: Sequence[tuple[str, int]]) -> None:
        self._targets = list(targets)
        self._turn = 0
        super().__init__(*targets[0])

    @property
    def _target(self) -> tuple[str, int]:
        self._turn += 1
        return self._targets[(self._turn - 1) % len(self._targets)]

    @_target.setter
    def _target(self, target: tuple[str, int]) -> None:
        """What it leads to is told once."""
