"""The monitor of a runtime: keeps asking the nodes, and publishes what it hears.

    Monitor    when there is a crew: start, pause, stop, fork
    Crew       its threads: whose turn it is
    Watch      one node: one probe over its own link
    Pace       how soon again

It never decides anything about a node; what news mean is topology's to say.
"""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections.abc import Callable

from routedb.adapters.base import Adapter
from routedb.config.model import ClusterConfig, DatabaseConfig, NodeConfig
from routedb.monitor.crew import Crew
from routedb.monitor.pace import CALM_S, JITTER, Pace
from routedb.monitor.watch import GiveUp, Publish, Watch
from routedb.topology.snapshot import NodeView, Snapshot

STOP_S = 2.0  # `stop` waits no longer than this for threads that hang in a driver
# A silence is noticed when the next question is due. It is to be over within
# failover_timeout all the same, but no shorter one than this makes a node a dead one.
NOTICE_S = CALM_S * (1 + JITTER)
SHORTEST_SILENCE_S = 1.0


class Monitor:
    """Probe every node of each group that has more than one.

    `view` returns the runtime's snapshot, `publish` takes events into it, `give_up` is
    told of a node that has been silent for failover_timeout. There is no
    thread before `start`, and the threads keep neither the interpreter from exiting nor
    a link across `fork()`: a child has no monitor until its own `start`.
    """

    def __init__(
        self,
        config: ClusterConfig,
        adapter_for: Callable[[str], Adapter],
        publish: Publish,
        view: Callable[[], Snapshot],
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
        wanted: Callable[[int], float] = lambda group: 0.0,
        give_up: GiveUp = lambda node, since: None,
    ) -> None:
        self._config = config
        self._adapter_for = adapter_for
        self._publish = publish
        self._view = view
        self._give_up = give_up
        self._clock = clock
        self._wanted = wanted  # group -> when somebody last wanted a sample of it
        self._rng = rng or random.Random()
        self._lock = threading.Lock()  # guards the crew
        self._crew: Crew | None = None
        self._pid = os.getpid()  # the process that the crew's threads are in
        self._nodes = tuple(
            (node, place, database)
            for database in config.databases.values()
            for group in database.groups
            if len(group.nodes) > 1
            for place, node in enumerate(group.nodes)
        )
        forget = weakref.WeakMethod(self.forget)
        os.register_at_fork(after_in_child=lambda: _call(forget))

    def start(self) -> None:
        """Begin to probe, or go on after a pause. Does nothing when under way."""
        if not self._nodes:
            return
        self.forget()  # another hook of a fork may come here before ours has run
        with self._lock:
            if self._crew is None:
                self._crew = self._muster()
                self._crew.start()
            else:
                self._crew.resume()

    def pause(self) -> None:
        """Say that nobody needs news: links close soon, threads sleep until `start`."""
        with self._lock:
            if self._crew is not None:
                self._crew.pause()

    def wake(self) -> None:
        """Say that somebody waits for news: probe now, and fast for some seconds."""
        with self._lock:
            if self._crew is not None:
                self._crew.wake()

    def hasten(self, group: int) -> None:
        """Say that a sample of this group is wanted soon."""
        with self._lock:
            if self._crew is not None:
                self._crew.hasten(group)

    def stop(self) -> None:
        """End the threads and close the links, within `STOP_S`."""
        with self._lock:
            crew, self._crew = self._crew, None
        if crew is not None:
            crew.stop(STOP_S)

    def forget(self) -> None:
        """In a forked child: give up the parent's links, whose threads are not here.

        Does nothing in the process that started them, nor a second time.
        """
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        crew, self._crew = self._crew, None
        self._lock = threading.Lock()  # a thread that is not here may have held it
        self._rng.seed()  # or parent and children would probe in step
        for watch in crew.watches if crew is not None else ():
            watch.abandon()

    def _muster(self) -> Crew:
        watches = tuple(
            self._watch(node, place, database) for node, place, database in self._nodes
        )
        paces = {watch: Pace(self._rng) for watch in watches}

        def interval(watch: Watch, hurry: bool) -> float:
            group = self._view().groups[watch.node.group]
            wanted_at = self._wanted(group.id)
            now = self._clock()
            return paces[watch].interval(watch.node.id, group, now, hurry, wanted_at)

        return Crew(watches, interval, self._clock)

    def _watch(self, node: NodeConfig, place: int, database: DatabaseConfig) -> Watch:
        def see() -> NodeView:
            return self._view().groups[node.group].nodes[place]

        adapter = self._adapter_for(node.engine)
        return Watch(
            node,
            adapter,
            database.connect_timeout_s,
            self._publish,
            see,
            self._clock,
            max(SHORTEST_SILENCE_S, database.failover_timeout_s - NOTICE_S),
            self._give_up,
        )


def _call(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    if (alive := method()) is not None:
        alive()
