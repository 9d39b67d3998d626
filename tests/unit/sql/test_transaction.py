"""Transaction control in every spelling, and what it says of the mode."""

from __future__ import annotations

import pytest

from routedb.sql import TxEffect, TxStep, classify

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("BEGIN", "transaction; tx begin"),
        ("BEGIN WORK", "transaction; tx begin"),
        (
            "BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
            "transaction; tx begin",
        ),
        ("BEGIN READ WRITE", "transaction; tx begin"),
        ("START TRANSACTION READ ONLY", "transaction; tx begin"),
        (
            "START TRANSACTION ISOLATION LEVEL READ COMMITTED NOT DEFERRABLE",
            "transaction; tx begin",
        ),
        ("COMMIT", "transaction; tx commit"),
        ("COMMIT WORK", "transaction; tx commit"),
        ("COMMIT TRANSACTION AND NO CHAIN", "transaction; tx commit"),
        ("COMMIT AND CHAIN", "transaction; tx commit and chain"),
        ("END", "transaction; tx commit"),
        ("END TRANSACTION", "transaction; tx commit"),
        ("END AND CHAIN", "transaction; tx commit and chain"),
        ("ROLLBACK", "transaction; tx rollback"),
        ("ROLLBACK WORK AND CHAIN", "transaction; tx rollback and chain"),
        ("ROLLBACK AND NO CHAIN", "transaction; tx rollback"),
        ("ABORT", "transaction; tx rollback"),
        ("ABORT TRANSACTION", "transaction; tx rollback"),
        ("SAVEPOINT s", "transaction; tx savepoint"),
        ('SAVEPOINT "S p"', "transaction; tx savepoint"),
        ("RELEASE s", "transaction; tx release"),
        ("RELEASE SAVEPOINT S", "transaction; tx release"),
        ("ROLLBACK TO s", "transaction; tx rollback to"),
        ("ROLLBACK TO SAVEPOINT s", "transaction; tx rollback to"),
        ("ROLLBACK WORK TO SAVEPOINT s", "transaction; tx rollback to"),
        ("PREPARE TRANSACTION 'id''1'", "transaction; tx prepare transaction"),
        ("COMMIT PREPARED 'id'", "transaction; tx commit prepared"),
        ("ROLLBACK PREPARED 'id'", "transaction; tx rollback prepared"),
        ("SET TRANSACTION READ ONLY", "transaction; tx set transaction"),
        (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE",
            "transaction; tx set transaction",
        ),
        ("SET TRANSACTION SNAPSHOT '1'", "transaction; tx set transaction"),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "session; tx set session characteristics; session set",
        ),
        ("SET transaction_read_only = on", "transaction; tx set transaction"),
        (
            "SET default_transaction_read_only TO off",
            "session; tx set session characteristics; session set",
        ),
        (
            "SET default_transaction_isolation = 'serializable'",
            "session; tx set session characteristics; session set",
        ),
        ("BEGIN; SELECT 1; COMMIT", "transaction; tx begin, commit"),
        ("/* x */ begin -- y", "transaction; tx begin"),
        ("begin;", "transaction; tx begin"),
    ],
)
def test_postgresql_transaction_control(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("BEGIN", "transaction; tx begin"),
        ("BEGIN WORK", "transaction; tx begin"),
        ("BEGIN NOT ATOMIC DELETE FROM a; END", "write: +a"),
        ("START TRANSACTION", "transaction; tx begin"),
        ("START TRANSACTION READ ONLY", "transaction; tx begin"),
        (
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE",
            "transaction; tx begin",
        ),
        ("COMMIT", "transaction; tx commit"),
        ("COMMIT WORK AND CHAIN NO RELEASE", "transaction; tx commit and chain"),
        ("COMMIT AND NO CHAIN", "transaction; tx commit"),
        ("ROLLBACK", "transaction; tx rollback"),
        ("ROLLBACK AND CHAIN", "transaction; tx rollback and chain"),
        ("ROLLBACK TO SAVEPOINT s", "transaction; tx rollback to"),
        ("ROLLBACK WORK TO s", "transaction; tx rollback to"),
        ("SAVEPOINT `a b`", "transaction; tx savepoint"),
        ("RELEASE SAVEPOINT s", "transaction; tx release"),
        ("XA START 'x'", "transaction; tx xa"),
        ("XA END 'x'", "transaction; tx xa"),
        ("XA PREPARE 'x'", "transaction; tx xa"),
        ("XA COMMIT 'x' ONE PHASE", "transaction; tx xa"),
        ("XA ROLLBACK 'x'", "transaction; tx xa"),
        ("XA RECOVER", "transaction; tx xa"),
        ("START SLAVE", "ddl"),
        ("START GROUP_REPLICATION", "ddl"),
    ],
)
def test_mysql_transaction_control(sql, expected):
    assert seen(sql, "mysql") == expected


STEP = TxStep(TxEffect.BEGIN)


@pytest.mark.parametrize(
    ("sql", "step"),
    [
        ("BEGIN READ ONLY", STEP._replace(read_only=True)),
        ("START TRANSACTION READ WRITE", STEP._replace(read_only=False)),
        (
            "BEGIN ISOLATION LEVEL REPEATABLE READ, NOT DEFERRABLE",
            STEP._replace(isolation="REPEATABLE READ", deferrable=False),
        ),
        (
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
            TxStep(TxEffect.BEGIN, True, "SERIALIZABLE", True),
        ),
        ("SET TRANSACTION READ ONLY", TxStep(TxEffect.SET, read_only=True)),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
            TxStep(TxEffect.SET_DEFAULT, isolation="READ COMMITTED"),
        ),
        ("SET transaction_read_only TO 'on'", TxStep(TxEffect.SET, read_only=True)),
        (
            "SET default_transaction_read_only = off",
            TxStep(TxEffect.SET_DEFAULT, read_only=False),
        ),
        (
            "SET default_transaction_isolation = 'repeatable read'",
            TxStep(TxEffect.SET_DEFAULT, isolation="REPEATABLE READ"),
        ),
        ('SAVEPOINT "A b"', TxStep(TxEffect.SAVEPOINT, name="A b")),
        ("ROLLBACK TO SAVEPOINT Inner", TxStep(TxEffect.ROLLBACK_TO, name="inner")),
        ("RELEASE savepoint", TxStep(TxEffect.RELEASE, name="savepoint")),
        ("PREPARE TRANSACTION 'it''s'", TxStep(TxEffect.PREPARE, name="it's")),
        ("COMMIT PREPARED 'id'", TxStep(TxEffect.COMMIT_PREPARED, name="id")),
        ("ROLLBACK PREPARED 'id'", TxStep(TxEffect.ROLLBACK_PREPARED, name="id")),
    ],
)
def test_a_step_tells_the_mode_and_the_name(sql, step):
    assert classify(sql).tx == (step,)


@pytest.mark.parametrize(
    ("sql", "step"),
    [
        (
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            STEP._replace(read_only=True),
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
            TxStep(TxEffect.SET, isolation="READ UNCOMMITTED"),
        ),
        (
            "SET SESSION TRANSACTION READ ONLY",
            TxStep(TxEffect.SET_DEFAULT, read_only=True),
        ),
        (
            "SET @@transaction_isolation = 'READ-COMMITTED'",
            TxStep(TxEffect.SET, isolation="READ COMMITTED"),
        ),
        (
            "SET @@session.tx_read_only = 1",
            TxStep(TxEffect.SET_DEFAULT, read_only=True),
        ),
        ("SET autocommit = 'ON'", TxStep(TxEffect.AUTOCOMMIT_ON)),
        ("SET sql_mode = '', autocommit = 0", TxStep(TxEffect.AUTOCOMMIT_OFF)),
        # What the text does not tell is asked of the server; it may commit.
        *(
            (f"SET autocommit = {value}", TxStep(TxEffect.AUTOCOMMIT_ON))
            for value in ("DEFAULT", "@old", "@@global.autocommit", "(0)", "!1", "1-1")
        ),
        ("SAVEPOINT `A b`", TxStep(TxEffect.SAVEPOINT, name="A b")),
    ],
)
def test_a_mysql_step_tells_the_mode_and_the_name(sql, step):
    assert classify(sql, "mysql").tx == (step,)


def test_the_effects_of_a_text_stand_in_its_order():
    effects = [step.effect for step in classify("ROLLBACK; BEGIN; COMMIT").tx]
    assert effects == [TxEffect.ROLLBACK, TxEffect.BEGIN, TxEffect.COMMIT]
