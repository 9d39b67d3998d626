"""What to say when something cannot be done, or nobody knows whether it was.

All errors of the engine's own that need more than a line. Names come in, never links:
this is the lowest room of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from routedb import errors
from routedb.config.model import GroupConfig, NodeConfig
from routedb.errors import Fault
from routedb.sql import LexicalMode, Statement
from routedb.topology.snapshot import GroupView
from routedb.topology.status import trouble

# -- statements ------------------------------------------------------------------------

# What became of a statement whose outcome is unknown; the last three stopped a batch.
_SAID = {
    Fault.LINK_LOST: "its answer was lost",
    Fault.NODE_READ_ONLY: "refused on the way",
    Fault.NODE_STARTING: "broken off on the way",
    Fault.TOO_LARGE: "refused on the way",
}


# Why a read may have written: see engine/transactions/hidden_writes.py.
BEHIND = (
    "what it names (a view, policy, function, operator, type, foreign table) is not "
    "certain to write nothing"
)


def statement_unknown(
    node: str, verb: str, exc: Exception, fault: Fault, silence: str
) -> errors.OutcomeUnknown:
    """Return the error for a statement that may have happened.

    `verb` was sent to `node` and failed with `exc`, a `fault`; `silence` says that the
    node did not answer, "" when it was not that.
    """
    said = silence or f"{_SAID[fault]}: {exc}"
    return errors.OutcomeUnknown(
        f"{verb} was sent to {node} and {said}. It may or may not have "
        "happened; running it again may do it twice"
    )


def second_home_refused(
    statement: Statement, home: GroupConfig, other: GroupConfig
) -> errors.Error:
    """Return the refusal of `statement`, a write to the group `other` by a transaction
    on `home`."""
    tables = ", ".join(map(str, statement.tables)) or "no table"
    if home.database == other.database:
        return errors.ShardError(
            f"{statement.verb} on {tables} is for shard {other.shard} of "
            f"{other.database}, but this transaction is on shard {home.shard}: a "
            "transaction writes to one shard. Commit first"
        )
    return errors.CrossDatabaseError(
        f"{statement.verb} on {tables} is for database {other.database}, "
        f"but this transaction is on {home.database}: a transaction writes to one "
        "database. Commit first, or use a connection of its own for the other"
    )


def read_otherwise(node: str, verb: str, mode: LexicalMode) -> errors.Error:
    """Return the refusal to send `verb` to `node`, whose session is in this `mode`."""
    said = mode.why or "its settings for strings are others"
    return errors.NotSupportedError(
        f"{verb}: {node} would read the quotes in this text in another way than it was "
        f"read to choose the node ({said}), so nothing was sent. Give all nodes the "
        "same settings for strings, or pass values as parameters"
    )


# -- transactions ----------------------------------------------------------------------


def overtaken_lost(node: str) -> errors.TransactionLost:
    """Return the error for a transaction that was rolled back on `node`, an old writer,
    instead of committed."""
    return errors.TransactionLost(
        f"{node} is not the writer any more: another node has the newer "
        "history. The transaction was rolled back and nothing of it was committed; "
        "running the whole transaction again is safe"
    )


def overtaken_unknown(node: str, what: str) -> errors.OutcomeUnknown:
    """Return the error for `what` that `node`, an old writer, has acknowledged."""
    return errors.OutcomeUnknown(
        f"{node} acknowledged {what}, but is not the writer any more: "
        "another node has the newer history, which may or may not hold it. Look at the "
        "data there before running it again"
    )


def commit_never_sent(node: str) -> errors.TransactionLost:
    """Return the error for a link to `node` that had ended before commit."""
    return errors.TransactionLost(
        f"the link to {node} had ended before commit was sent, so nothing "
        "was committed; running the whole transaction again is safe"
    )


def commit_refused(node: str, exc: Exception) -> errors.TransactionLost:
    """Return the error for a commit that `node` has refused with `exc`."""
    return errors.TransactionLost(
        f"{node} refused the commit: {exc}. Nothing was committed; "
        "running the whole transaction again is safe"
    )


def commit_unknown(node: str) -> errors.OutcomeUnknown:
    """Return the error for a commit whose answer from `node` was lost."""
    return errors.OutcomeUnknown(
        f"commit was sent to {node} and its answer was lost: the transaction "
        "may or may not have been committed. Running it again may do it twice; look at "
        "the data first"
    )


def hidden_commit_unknown(node: str, exc: Exception) -> errors.OutcomeUnknown:
    """Return the error for a commit that failed with `exc`, and was sent to `node`,
    where the transaction has only read as far as its texts tell."""
    return errors.OutcomeUnknown(
        f"commit was sent to {node}, where the transaction only reads as its texts "
        f"have it, but {BEHIND}. So what it has done there may or may not have been "
        f"committed: running it again may do it twice; look at the data first ({exc})"
    )


def hidden_unknown(node: str, verb: str, said: str) -> errors.OutcomeUnknown:
    """Return the error for a read, by its text: `verb` was sent to `node`, of which the
    end is `said`."""
    return errors.OutcomeUnknown(
        f"{verb} was sent to {node} and {said}. It reads as its text has it, but "
        f"{BEHIND}. It may or may not have happened; running it again may do it twice"
    )


def partly_committed(
    done: Sequence[str], node: str, exc: Exception
) -> errors.OutcomeUnknown:
    """Return the error for a transaction over several shards that was committed on the
    nodes `done` and then failed on `node` with `exc`."""
    return errors.OutcomeUnknown(
        f"a transaction over several shards was committed on {', '.join(done)} and "
        f"then failed on {node}: {exc}. Running it again would do the "
        "committed part twice"
    )


def branch_lost(node: str, exc: Exception) -> errors.TransactionLost:
    """Return the error for a commit over several groups that `node` was lost in with
    `exc`, before any group could commit."""
    return errors.TransactionLost(
        f"the transaction's part on {node} could not be prepared: {exc}. Nothing of it "
        "was committed anywhere; running the whole transaction again is safe"
    )


def aborted_by_recovery(node: str) -> errors.TransactionLost:
    """Return the error for a commit that came after recovery, which has entered the
    transaction as aborted on `node`."""
    return errors.TransactionLost(
        "the commit took so long that recovery has ended the transaction: its row on "
        f"{node} says that it is aborted, so nothing of it was committed; running the "
        "whole transaction again is safe"
    )


def several_unknown(node: str, said: str) -> errors.OutcomeUnknown:
    """Return the error for a commit over several groups whose answer from `node`, which
    decides, was lost, and nobody could be asked about: `said`."""
    return errors.OutcomeUnknown(
        f"commit was sent to {node}, which decides about this transaction over several "
        f"databases, its answer was lost, and nobody could be asked: {said}. It is "
        "committed everywhere or nowhere; `routedb recover` finishes its prepared "
        "parts. Look at the data before running it again"
    )


def partly_defined(
    verb: str, done: Sequence[GroupConfig], left: Sequence[GroupConfig], exc: Exception
) -> errors.Error:
    """Return the error, of the same PEP 249 class, for a definition, `verb`, that was
    `done` on some shards and failed with `exc` on the first of those that are
    `left`."""
    kind = next(
        kind for kind in type(exc).__mro__ if kind.__module__ == errors.__name__
    )
    failed, *untried = left
    listed = ", ".join(str(group.shard) for group in done)
    said = f"{verb} was done on shards {listed} of {failed.database}"
    said += f" and failed on shard {failed.shard}: {exc}"
    if untried:
        numbers = ", ".join(str(group.shard) for group in untried)
        said += f". It was not tried on shards {numbers}"
    again = "IF EXISTS or IF NOT EXISTS in it lets it be run again"
    error: errors.Error = kind(
        f"{said}. The shards differ until it is done on all of them: {again}"
    )
    return error


def note_on(exc: BaseException, text: str) -> None:
    """Add `text` to what is shown of `exc`: `add_note`, which Python 3.10 does not
    have."""
    notes: list[str] = getattr(exc, "__notes__", [])
    vars(exc)["__notes__"] = [*notes, text]


# -- nodes -----------------------------------------------------------------------------


def no_writer(
    group: GroupConfig, nodes: Sequence[NodeConfig], view: GroupView, unheard: str = ""
) -> errors.OperationalError:
    """Return SplitBrain or NoNodeError, with what is known of each node.

    `nodes` are all of the cluster, by id; `view` shows those of the group.
    `unheard` says why nobody tells the group's members, where they are discovered.
    """
    where = group.database
    if group.shard is not None:
        where = f"{where} shard {group.shard}"
    seen = "; ".join(
        f"{nodes[n.id].name}: {n.state.value}, {n.role.value}"
        + (f" ({why})" if (why := trouble(view, n, nodes)) else "")
        for n in view.members
    )
    if unheard:
        seen = f"{seen}. No Patroni tells who else there is: {unheard}"
    if view.is_split:
        return errors.SplitBrain(
            f"two nodes of {where} claim to be the writer and neither has provably the "
            f"newer history, so writes are refused until one of them is stopped or "
            f"made a replica: {seen}"
        )
    if view.is_refusing:
        return errors.NoNodeError(f"no node of {where} lets this user in: {seen}")
    return errors.NoNodeError(
        f"no node of {where} answers as writer within failover_timeout: {seen}"
    )


def not_the_writer(node: str) -> errors.OperationalError:
    """Return the error for links to `node` that lead to other servers than the one
    which answers as the writer."""
    return errors.NoNodeError(
        f"connections to {node} lead to several servers, and none so far led to the "
        "one that answered as the writer. List each server as a node, or say "
        "balanced = true for this node, if whichever answers may be written to"
    )


# -- interrupted -----------------------------------------------------------------------


def transaction_lost(is_in_doubt: bool) -> errors.Error:
    """Return the error for what comes after the loss of a transaction: a repetition,
    for the program was told when it happened.

    `is_in_doubt`: its commit was interrupted, so it may be committed.
    """
    if is_in_doubt:
        return errors.repeated(
            errors.OutcomeUnknown(
                "the commit of this transaction was interrupted, and it may or may not "
                "have been committed: call rollback(), and look at the data before "
                "running it again"
            )
        )
    return errors.repeated(
        errors.TransactionLost(
            "this transaction was lost, with its link or by an interruption, and "
            "nothing of it was committed: call rollback(), then run the whole "
            "transaction again"
        )
    )


# -- arguments -------------------------------------------------------------------------

# Drivers raise plain Python exceptions for wrong arguments: psycopg2 TypeError for too
# many parameters, IndexError for too few and ValueError for a NUL; code written for it
# catches these, code written for PEP 249 catches Error. So what is raised is both.
# Python lets nobody change the class of its own exceptions (unlike a driver's), so it
# is a new one with the same arguments. A class that is not Python's own may want other
# ones.
_KINDS: tuple[tuple[type[Exception], type[errors.Error]], ...] = (
    (TypeError, errors.ProgrammingError),
    (LookupError, errors.ProgrammingError),  # IndexError, KeyError
    (ValueError, errors.DataError),  # UnicodeError too
    (OverflowError, errors.DataError),
)


ErrorClass = Callable[[type[errors.Error]], type[errors.Error]]


def as_dbapi_error(exc: Exception, error_class: ErrorClass) -> Exception:
    """Return `exc`, or its like that is an instance also of a PEP 249 class, when one
    fits: ours and the driver's, which `error_class` returns (see `Adapter`)."""
    if type(exc).__module__ != "builtins":
        return exc
    for plain, kind in _KINDS:
        if isinstance(exc, plain):
            return joined_class(type(exc), error_class(kind), kind)(*exc.args)
    return exc


_made: dict[tuple[type[Exception], type[errors.Error]], type[Exception]] = {}


def joined_class(
    plain: type[Exception], joined: type[errors.Error], ours: type[errors.Error]
) -> type[Exception]:
    """Return the class that is `plain`, one of Python's, and `joined`, which is `ours`
    and may be a driver's as well; the same one each time."""
    made = _made.get((plain, joined))
    if made is None:
        names = {"__module__": __name__}
        try:
            made = type(ours.__name__, (joined, plain), names)
        except TypeError:  # both have fields in C: UnicodeError and psycopg2's
            made = type(ours.__name__, (ours, plain), names)
        made = _made.setdefault((plain, joined), made)
    return made


def not_atomic(source: str) -> errors.Error:
    """Say that the configuration, `source`, has no atomic reads."""
    return errors.HintError(
        f'using(atomic=True): write atomic_reads = true, or "asked", into {source} of '
        "all programs that write to these databases, for it is they who leave what "
        "atomic reads compare"
    )
