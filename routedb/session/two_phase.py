"""Commit over several groups, all or nothing: who decides, and how recovery finds out.

All branches that wrote are prepared but one, the *decider*. That one writes a row under
the transaction's id in its own transaction and commits in one phase. Its commit is the
commit of all: the row is there if and only if the transaction is committed. Then the
prepared branches are committed, in any order, by whoever comes first.

Whoever finds a prepared branch later inserts a row that says *aborted* under the same
id, and looks at which row is there then. The primary key makes the two exclude one
another. Where the decider's own row is there, the branch is committed. Where the other
one is, the decider can never commit any more: its insert meets that row, or waits for
it, and its transaction is rolled back. So there is no clock in this, no leader and no
file of anybody's, and any number may do it at once, also while the transaction lives.

What follows from that, row by row of the table:

Before the decider's commit is sent, nothing can be committed: whatever goes wrong, and
whatever a signal interrupts, is an abort, and it is certain. A prepared branch whose
link is gone meanwhile is left to recovery.

Once it is sent, and until it is answered, nobody here knows. A refusal is an answer.
When the answer is lost, the coordinator does what recovery does: it asks by inserting,
which waits for a commit that is still under way. Only when no writer of the decider's
group can be asked it is in doubt: what is prepared stays so, and recovery ends it.

Once it is decided nothing changes that. A branch that cannot be told is left to
recovery, and the transaction is committed all the same.

Nothing but this table changes a state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple


class Stage(Enum):
    """How far a commit over several groups has come."""

    PREPARING = "preparing"
    PREPARED = "all but the decider are prepared"
    DECIDING = "the decider's commit is sent"
    ASKING = "its answer is lost"
    COMMITTED = "committed"
    ABORTED = "aborted"
    IN_DOUBT = "in doubt"


class News(Enum):
    """What has come of the last step."""

    ALL_PREPARED = "all prepared"
    NOT_PREPARED = "one not prepared"
    ROW_WRITTEN = "row written"
    ROW_REFUSED = "row refused"
    DECIDED = "decider committed"
    REFUSED = "decider refused"
    LOST = "answer lost"
    FOUND_COMMITTED = "row found"
    FOUND_ABORTED = "row absent, aborted"
    NOBODY_SAYS = "nobody can be asked"
    INTERRUPTED = "interrupted"


_P, _R, _D, _A = Stage.PREPARING, Stage.PREPARED, Stage.DECIDING, Stage.ASKING
_YES, _NO, _DOUBT = Stage.COMMITTED, Stage.ABORTED, Stage.IN_DOUBT

TABLE: dict[tuple[Stage, News], Stage] = {
    (_P, News.ALL_PREPARED): _R,
    (_P, News.NOT_PREPARED): _NO,
    (_P, News.INTERRUPTED): _NO,
    (_R, News.ROW_WRITTEN): _D,
    (_R, News.ROW_REFUSED): _NO,
    (_R, News.INTERRUPTED): _NO,
    (_D, News.DECIDED): _YES,
    (_D, News.REFUSED): _NO,
    (_D, News.LOST): _A,
    (_D, News.INTERRUPTED): _DOUBT,
    (_A, News.FOUND_COMMITTED): _YES,
    (_A, News.FOUND_ABORTED): _NO,
    (_A, News.NOBODY_SAYS): _DOUBT,
    (_A, News.INTERRUPTED): _DOUBT,
    (_YES, News.INTERRUPTED): _YES,
    (_NO, News.INTERRUPTED): _NO,
    (_DOUBT, News.INTERRUPTED): _DOUBT,
}


class Step(Enum):
    """What is asked of a group."""

    PREPARE = "prepare"
    WRITE_ROW = "write the decision's row"
    COMMIT = "commit in one phase"
    ASK = "insert an aborted row, and look"
    COMMIT_PREPARED = "commit what is prepared"
    ROLL_BACK_PREPARED = "roll back what is prepared"
    ROLL_BACK = "roll back what is not prepared"


class Request(NamedTuple):
    """A step, and the group that is to take it."""

    step: Step
    group: int


class Coordinator:
    """One commit over several groups, without any I/O: it says what to do, and is told
    what has come of it.

    `others` are the groups to prepare, in order; `decider` is the last one. After each
    `request`, one of `done`, `failed` or `tell` is called; of the `requests` that may
    be made at once, for each.
    """

    def __init__(self, others: Sequence[int], decider: int) -> None:
        self.stage = Stage.PREPARING
        self.left: list[int] = []  # prepared, maybe, and not finished: recovery's
        self._others = list(others)
        self._decider = decider
        self._to_prepare = list(others)
        self._prepared: list[int] = []
        self._is_decider_open = True

    def tell(self, news: News) -> None:
        """Take note of what has come of a step."""
        self.stage = TABLE[self.stage, news]
        if self.stage is not Stage.PREPARING and news is not News.ROW_WRITTEN:
            self._is_decider_open &= self.stage in (Stage.PREPARED, Stage.ABORTED)

    def request(self) -> Request | None:
        """Return what to do next; None: that was all."""
        if self.stage is Stage.PREPARING:
            return Request(Step.PREPARE, self._to_prepare[0])
        if self.stage in _ASKS:
            return Request(_ASKS[self.stage], self._decider)
        if self.stage is Stage.COMMITTED and self._prepared:
            return Request(Step.COMMIT_PREPARED, self._prepared[0])
        if self.stage is Stage.ABORTED:
            return self._undo()
        return None

    def requests(self) -> list[Request]:
        """Return what to do next, all that may be done at the same time: no branch that
        is to be prepared, or is prepared, waits for another."""
        first = self.request()
        if first is None:
            return []
        alike = _ALIKE.get(first.step)
        if alike is None:
            return [first]
        return [Request(first.step, group) for group in alike(self)]

    def _undo(self) -> Request | None:
        if self._prepared:
            return Request(Step.ROLL_BACK_PREPARED, self._prepared[0])
        if self._to_prepare:
            return Request(Step.ROLL_BACK, self._to_prepare[0])
        return Request(Step.ROLL_BACK, self._decider) if self._is_decider_open else None

    def done(self, request: Request) -> None:
        """Take note that a step has succeeded: one that leaves no question."""
        step, group = request
        if step is Step.PREPARE:
            self._to_prepare.remove(group)
            self._prepared.append(group)
            if not self._to_prepare and self.stage is Stage.PREPARING:
                self.tell(News.ALL_PREPARED)
        elif step is Step.WRITE_ROW:
            self.tell(News.ROW_WRITTEN)
        elif step is Step.COMMIT:
            self.tell(News.DECIDED)
        elif group in self._prepared:
            self._prepared.remove(group)
        elif group in self._to_prepare:
            self._to_prepare.remove(group)
        else:
            self._is_decider_open = False

    def failed(self, request: Request, is_certain: bool) -> None:
        """Take note that the step of `request` has failed; `is_certain`: it has done
        nothing, else its answer is lost."""
        step, group = request
        if step is Step.PREPARE:
            self._to_prepare.remove(group)
            if not is_certain:
                self.left.append(group)
            if self.stage is Stage.PREPARING:  # it is the first one that fails
                self.tell(News.NOT_PREPARED)
        elif step is Step.WRITE_ROW:
            self.tell(News.ROW_REFUSED)
        elif step is Step.COMMIT:
            self.tell(News.REFUSED if is_certain else News.LOST)
        else:
            if group in self._prepared:
                self.left.append(group)
            self.done(request)

    def interrupt(self) -> None:
        """Give up, after what is no verdict: whatever is prepared is recovery's."""
        self.tell(News.INTERRUPTED)
        self.left += [*self._prepared, *self._to_prepare]
        self._prepared.clear()
        self._to_prepare.clear()
        self._is_decider_open = False

    @property
    def outcome(self) -> bool | None:
        """Whether the transaction is committed; None while nobody knows."""
        return {Stage.COMMITTED: True, Stage.ABORTED: False}.get(self.stage)

    @property
    def open_branches(self) -> list[int]:
        """The groups whose branch is prepared, or may be, and nobody has finished."""
        return [*self._prepared, *self.left]


_ALIKE: dict[Step, Callable[[Coordinator], list[int]]] = {
    Step.PREPARE: lambda steps: steps._to_prepare,
    Step.COMMIT_PREPARED: lambda steps: steps._prepared,
    Step.ROLL_BACK_PREPARED: lambda steps: steps._prepared,
}

_ASKS = {
    Stage.PREPARED: Step.WRITE_ROW,
    Stage.DECIDING: Step.COMMIT,
    Stage.ASKING: Step.ASK,
}


class Decision(Enum):
    """What a row of the table of decisions says, or that nobody could tell."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    ABSENT = "absent"  # where only was looked
    UNKNOWN = "unknown"  # locked, or out of reach


# What recovery does with a prepared branch.
FINISH: dict[Decision, Step | None] = {
    Decision.COMMITTED: Step.COMMIT_PREPARED,
    Decision.ABORTED: Step.ROLL_BACK_PREPARED,
    Decision.ABSENT: None,
    Decision.UNKNOWN: None,
}

# What the coordinator is told of an answer.
NEWS: dict[Decision, News] = {
    Decision.COMMITTED: News.FOUND_COMMITTED,
    Decision.ABORTED: News.FOUND_ABORTED,
    Decision.UNKNOWN: News.NOBODY_SAYS,
}
