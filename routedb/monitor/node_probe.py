"""One node that is probed: its link, and one probe of it at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from routedb.adapters.base import Adapter, Raw
from routedb.config.mask import mask
from routedb.config.model import NodeConfig
from routedb.errors import Fault
from routedb.events import NodeAnswered, NodeFailed
from routedb.monitor.intervals import WELL
from routedb.monitor.probe_once import timed_probe
from routedb.topology.snapshot import Answer, GroupView, NodeView, Role

Publish = Callable[[NodeAnswered | NodeFailed], None]
# Called with a node id and the time since when the node has answered nothing.
GiveUp = Callable[[int, float], None]

# Called with a node that has just answered as the writer, and with the link.
Learn = Callable[[NodeConfig, Adapter, Raw], None]

# A probe past its deadline gets this time more: this process may have been suspended
# itself, and the answer may be unread in the socket.
GRACE_S = 0.1
GAP_S, URGENT_GAP_S = 0.05, 0.02
AGAIN_S = 0.5  # interval of `give_up` for a node that stays silent
# Failures that prove that the node answers: it is not silent.
_SPOKEN = frozenset(Fault) - {Fault.LINK_LOST, Fault.REFUSED, Fault.TIMEOUT}


class NodeProbe:
    """Probe one node over a link of its own and publish the result.

    A probe may take `timeout_s` seconds; `adapter` is the node's, `clock` gives
    monotonic seconds. `probe` and `release` belong to the thread of this node;
    `expire`, `check_silence` and `interrupt` may come from any other. `group_view`
    returns the node's group as the snapshot shows it. A probe is *under way* from its
    start until it has ended or expired, whichever is first, and only that first one
    publishes.

    A node is *silent* from the first probe that it has not answered until its next
    answer or immediate failure. After `max_silence_s` of it `give_up` is called: a node
    that accepts and never answers would block its statements for ever.

    `learn` asks a writer that has answered for more, which must not keep that answer
    waiting; it is given up like a probe.
    """

    def __init__(
        self,
        node: NodeConfig,
        adapter: Adapter,
        timeout_s: float,
        publish: Publish,
        group_view: Callable[[], GroupView],
        clock: Callable[[], float],
        max_silence_s: float,
        give_up: GiveUp,
        learn: Learn | None = None,
    ) -> None:
        self._learn = learn
        self.node = node
        self.name = node.name
        self.group: int | None = node.group
        self.timeout_s = min(timeout_s, max_silence_s)
        self._max_silence_s = max_silence_s
        self._give_up = give_up
        self._adapter = adapter
        self._publish = publish
        self._group_view = group_view
        self._clock = clock
        self._lock = threading.Lock()  # guards the fields below
        self._raw: Raw | None = None
        self._server: str | None = None  # that it leads to
        self._deadline: float | None = None  # of the probe under way
        self._is_overdue = False  # past its deadline, within GRACE_S
        self._generation = 0  # of the node, when that probe began
        self._began = 0.0
        self._silent_since: float | None = None
        self._unanswered = 0  # probes in that silence that have expired
        self._given_up = 0.0  # when last

    @property
    def gap_s(self) -> float:
        """Between two probes at least: less where one more answer may decide."""
        return GAP_S if self._node_view().state in WELL else URGENT_GAP_S

    @property
    def answered_at(self) -> float:
        """When what the node last answered was asked for, by whomever; 0.0 while it
        leaves this probe without an answer."""
        return 0.0 if self._unanswered else self._node_view().asked_at

    @property
    def is_replica(self) -> bool:
        """Whether the node was a replica when it last answered."""
        return self._node_view().role is Role.REPLICA

    @property
    def holds_until(self) -> float:
        """The node holds what was written before this time on the clock."""
        return self._node_view().holds_until

    @property
    def sampled_at(self) -> float | None:
        """When the writer was asked for the newest position that is known of its group;
        None where none is told."""
        sample = self._group_view().sample
        return None if sample is None else sample.asked_at

    def _node_view(self) -> NodeView:
        return self._group_view().find(self.node.id)

    @property
    def deadline(self) -> float | None:
        """When the probe under way expires, on the clock; None when none is."""
        return self._deadline

    @property
    def due(self) -> float | None:
        """When `expire` or `check_silence` is due next, on the clock; None: not at
        all."""
        deadline, since = self._deadline, self._silent_since
        if since is None or not self._unanswered:
            return deadline
        silence_due = max(since + self._max_silence_s, self._given_up + AGAIN_S)
        return silence_due if deadline is None else min(silence_due, deadline)

    def probe(self) -> None:
        """Probe the node once and publish its answer or the failure."""
        generation = self._node_view().generation
        with self._lock:
            self._generation = generation
            self._began = self._clock()
            self._deadline = self._began + self.timeout_s
            self._is_overdue = False
            if self._silent_since is None:
                self._silent_since = self._began
        try:
            self._leave_former()
            answer, asked_at = self._probe_link()
            self._server = answer.server
        except Exception as exc:  # of any class: the node could not be probed
            fault = self._adapter.fault(exc, self._raw)
            self._close()
            failed = NodeFailed(self.node.id, generation, _reason(exc), fault)
            self._end(failed, has_spoken=fault in _SPOKEN)
        else:
            answered = NodeAnswered(self.node.id, generation, answer, asked_at)
            self._end(answered, has_spoken=True)
            if self._learn is not None and answer.role is Role.WRITER:
                self._ask_more(self._learn)

    def _ask_more(self, learn: Learn) -> None:
        """Have `learn` ask on the link of the probe that has ended. What comes of it
        says nothing of the node: the next probe does."""
        with self._lock:
            self._deadline = self._clock() + self.timeout_s
            self._is_overdue = False
        try:
            learn(self.node, self._adapter, self._raw)
        except Exception as exc:  # of any class
            if self._adapter.fault(exc, self._raw) is not Fault.STATEMENT:
                self._close()
        finally:
            with self._lock:
                self._deadline = None

    def release(self) -> None:
        """Close the link and forget a silence; the next probe opens a link."""
        self._close()
        with self._lock:
            self._silent_since = None
            self._unanswered = 0

    def _close(self) -> None:
        with self._lock:
            raw, self._raw = self._raw, None
        if raw is not None:
            self._adapter.close(raw)

    def expire(self) -> None:
        """Give up the probe under way if its deadline is over, and publish that."""
        with self._lock:
            now = self._clock()
            if self._deadline is None or now < self._deadline:
                return
            if not self._is_overdue:
                self._is_overdue = True
                self._deadline = now + GRACE_S
                return
            self._deadline = None
            self._unanswered += 1
            generation = self._generation
            self._shut_down()
        reason = f"no answer within {self.timeout_s:g} s"
        self._publish(NodeFailed(self.node.id, generation, reason, Fault.TIMEOUT))

    def check_silence(self) -> None:
        """Call `give_up` when the node has been silent for too long, and again while it
        stays so."""
        with self._lock:
            now, since = self._clock(), self._silent_since
            if since is None or not self._unanswered:
                return
            if now < max(since + self._max_silence_s, self._given_up + AGAIN_S):
                return
            self._given_up = now
        self._give_up(self.node.id, now - self._max_silence_s)

    def interrupt(self) -> None:
        """End the probe under way without publishing, to free its thread."""
        with self._lock:
            if self._deadline is not None:
                self._deadline = None
                self._shut_down()

    def abandon(self) -> None:
        """In a forked child: give up the link, which the parent goes on using."""
        if self._raw is not None:
            self._adapter.abandon(self._raw)
            self._raw = None

    def _leave_former(self) -> None:
        """Connect anew once a link has told of another server than this one's: is it
        still behind the node's address? A writer is not left: as long as it answers as
        one, it was not replaced."""
        view = self._node_view()
        is_other = view.is_in_doubt and self._server != view.server
        if is_other and view.role is not Role.WRITER:
            self._close()

    def _shut_down(self) -> None:
        # Inside the lock: once it is released the owner may close the link, and its
        # socket's descriptor may be reused for another socket.
        if self._raw is not None:
            self._adapter.interrupt(self._raw)

    def _probe_link(self) -> tuple[Answer, float]:
        """Probe over the open link; when that fails, over a new one. Return the answer
        and when the probe was sent.

        An operator may have ended the monitor's session, or a firewall an idle one:
        a lost link does not prove that the node is down.
        """
        if self._raw is not None:
            if self._adapter.is_alive(self._raw):
                asked_at = self._clock()
                try:
                    return timed_probe(self._raw, self._adapter), asked_at
                except Exception:
                    if self._deadline is None:
                        raise
            self.release()
        raw = self._open()
        asked_at = self._clock()
        return timed_probe(raw, self._adapter), asked_at

    def _open(self) -> Raw:
        raw = self._adapter.connect_apart(self.node, self.timeout_s)
        with self._lock:
            if self._deadline is not None:
                self._raw = raw
                return raw
        # Nothing would interrupt a probe that is sent after the deadline.
        self._adapter.close(raw)
        raise TimeoutError(f"{self.node.name} took too long to connect")

    def _end(self, event: NodeAnswered | NodeFailed, has_spoken: bool) -> None:
        """Publish `event`. `has_spoken`: the node has answered. A failure that comes at
        once counts as an answer too, unlike a timeout or that of a host that is off."""
        with self._lock:
            is_under_way = self._deadline is not None
            self._deadline = None
            took_s = self._clock() - self._began
            if has_spoken or (is_under_way and took_s < self.timeout_s / 2):
                self._silent_since = None
                self._unanswered = 0
            elif is_under_way:
                self._unanswered += 1
        if is_under_way:
            self._publish(event)


def _reason(exc: Exception) -> str:
    text = mask(str(exc)).strip() or "no reason given"
    return f"{type(exc).__name__}: {text}"
