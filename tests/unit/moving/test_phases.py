"""The table of phases."""

from routedb.moving.phases import BEFORE_CUT, TABLE, Phase, Step, after


def test_each_phase_is_reached_and_left():
    reached = {Phase.PLANNED, *TABLE.values()}
    assert reached == set(Phase)
    left = {before for before, _ in TABLE}
    assert set(Phase) - left == {Phase.DONE, Phase.ABORTED}


def test_each_step_is_one_of_the_table():
    assert {step for _, step in TABLE} == set(Step)


def test_a_move_is_given_up_only_while_the_source_counts():
    given_up = {phase for phase, step in TABLE if step is Step.GIVEN_UP}
    assert given_up == {*BEFORE_CUT, Phase.UNDONE}


def test_a_switch_that_fails_is_as_if_it_had_not_been_tried():
    assert after(Phase.CUTTING, Step.SWITCH_GIVEN_UP) is Phase.VERIFIED
    assert after(Phase.UNDOING, Step.UNDO_GIVEN_UP) is Phase.REVERSED
