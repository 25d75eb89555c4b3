"""What is new, what goes on, what is gone: alarms against the earlier reports of their dataset."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oaflib.changes import AlarmState, Changes, Policy, advance, changes, replay
from oaflib.errors import ReportError
from oaflib.report import Change, Fault, Outcome, Report, Severity
from oaflib.window import calendar_day

OK, WARNING, ALARM = Severity.OK, Severity.WARNING, Severity.ALARM
INVALID, GATED = Severity.INVALID, Severity.NOT_APPLICABLE
ZONE = "Europe/Zurich"
FIRST = date(2026, 10, 20)  # the 25 October 2026 has 25 hours


def outcome(name: str, severity: Severity, since: int | None = None) -> Outcome:
    return Outcome("range", Fault.BREAKAGE, name, f"{name}:X", severity, since=since, reason="bad")


def report(day: int, finished: bool = True, **severities: Severity) -> Report:
    window = calendar_day(FIRST + timedelta(days=day), ZONE)
    outcomes = tuple(outcome(name, severity) for name, severity in severities.items())
    return Report("BWS", "PS", "", window, datetime(2026, 11, 23, tzinfo=UTC), finished, outcomes)


def story(*reports: Report, policy: Policy | None = None) -> list[Changes]:
    """Each report's changes, one after the other."""
    state, told = AlarmState("BWS_PS"), []
    for entry in reports:
        state, changed = advance(state, entry, policy)
        told.append(changed)
    return told


def marks(changed: Changes) -> dict[str, Change | None]:
    return {entry.device: entry.change for entry in changed.report.outcomes}


def test_an_alarm_is_new_then_ongoing_then_cleared_then_forgotten():
    first, second, third, fourth = story(
        report(0, A=ALARM, B=OK),
        report(1, A=ALARM, B=ALARM),
        report(2, A=OK, B=ALARM),
        report(3, A=OK, B=ALARM),
    )
    assert marks(first) == {"A": Change.NEW, "B": None}
    assert marks(second) == {"A": Change.ONGOING, "B": Change.NEW}
    assert marks(third) == {"A": Change.CLEARED, "B": Change.ONGOING}
    assert [alarm.device for alarm in third.cleared] == ["A"]
    assert third.cleared[0].reports == 2
    assert marks(fourth) == {"A": None, "B": Change.ONGOING}
    assert fourth.cleared == ()


def test_the_age_counts_from_the_first_bad_sample_of_the_first_report():
    start = report(0).window.start_ns
    bad = replace(report(0), outcomes=(outcome("A", ALARM, start + 3600 * 10**9),))
    _, _, last = story(bad, report(1, A=ALARM), report(6, A=ALARM))
    (age,) = last.ages.values()
    assert (age.since, age.reports, age.flapping) == (start + 3600 * 10**9, 3, False)
    # Seven calendar days, one of them of 25 hours, less an hour: seven times 24 hours.
    assert age.days == 7


def test_a_day_of_an_alarm_is_over_after_24_hours():
    first, second = story(report(0, A=ALARM), report(1, A=ALARM))
    assert [age.days for age in first.ages.values()] == [1]
    assert [age.days for age in second.ages.values()] == [2]
    late = replace(report(0), outcomes=(outcome("A", ALARM, report(0).window.start_ns + 1),))
    assert [age.days for age in story(late)[0].ages.values()] == [0]


def test_a_warning_clears_an_alarm_and_is_none():
    _, second = story(report(0, A=ALARM), report(1, A=WARNING))
    assert marks(second) == {"A": Change.CLEARED}
    (only,) = story(report(0, A=WARNING))
    assert marks(only) == {"A": None}


@pytest.mark.parametrize(
    "between",
    [report(1, A=GATED), report(1, finished=False), report(1, finished=False, run=INVALID)],
    ids=["gate never open", "nothing judged", "run failed"],
)
def test_no_answer_neither_clears_nor_renews(between):
    _, second, third = story(report(0, A=ALARM), between, report(2, A=ALARM))
    assert second.cleared == ()
    assert [alarm.device for alarm in second.unjudged] == ["A"]
    assert marks(third)["A"] is Change.ONGOING


def test_an_alarm_that_nobody_checks_any_more_is_cleared():
    _, second = story(report(0, A=ALARM), report(1, B=OK))
    assert [alarm.device for alarm in second.cleared] == ["A"]


def test_what_could_not_be_judged_and_now_is_bad_is_news():
    told = story(
        report(0, A=INVALID), report(1, A=INVALID), report(2, A=ALARM), report(3, A=INVALID)
    )
    assert [marks(changed)["A"] for changed in told] == [
        Change.NEW,
        Change.ONGOING,
        Change.NEW,
        Change.ONGOING,
    ]
    (still,) = story(*(c.report for c in told), report(4, A=ALARM))[-1:]
    assert marks(still)["A"] is Change.ONGOING


def test_an_alarm_is_new_again_only_after_it_was_clear_long_enough():
    days = [report(0, A=ALARM), report(1, A=OK), report(2, A=ALARM)]
    assert marks(story(*days)[-1])["A"] is Change.NEW
    patient = Policy(clear_reports=2)
    told = story(*days, report(3, A=OK), report(4, A=OK), report(5, A=ALARM), policy=patient)
    assert [marks(changed)["A"] for changed in told] == [
        Change.NEW,
        None,
        Change.ONGOING,
        None,
        Change.CLEARED,
        Change.NEW,
    ]


def test_what_comes_back_is_a_new_alarm_with_an_age_of_its_own():
    told = story(report(0, A=ALARM), report(1, A=OK), report(2, A=ALARM))
    (age,) = told[-1].ages.values()
    assert (age.since, age.reports, age.days) == (report(2).window.start_ns, 1, 1)
    told = story(report(0, A=ALARM), report(1, A=OK), report(2, A=INVALID), report(3, A=ALARM))
    assert [marks(changed)["A"] for changed in told[1:]] == [
        Change.CLEARED,
        Change.NEW,
        Change.NEW,
    ]


def test_an_alarm_that_was_cleared_is_not_called_unjudged():
    told = story(report(0, A=ALARM), report(1, A=OK), report(2, A=GATED))
    assert (told[-1].unjudged, told[-1].counts["unjudged"]) == ((), 0)


def test_an_alarm_seen_for_the_first_time_since_before_is_as_old_as_it_says():
    start = report(0).window.start_ns
    later = replace(report(1), outcomes=(outcome("A", ALARM, start + 7),))
    (age,) = story(report(0, A=ALARM), later)[-1].ages.values()
    assert age.since == start


def test_what_comes_and_goes_is_said_to():
    told = story(*(report(day, A=OK if day % 2 else ALARM) for day in range(7)))
    ages = [list(changed.ages.values()) for changed in told[::2]]
    assert [(age.onsets, age.flapping) for (age,) in ages] == [
        (1, False),
        (2, False),
        (3, True),
        (4, True),
    ]
    calm = story(*(changed.report for changed in told), *(report(7 + d, A=OK) for d in range(12)))
    state = replay("BWS_PS", [changed.report for changed in calm])
    assert state.alarms == ()


def test_the_same_window_again_is_compared_with_the_same_past():
    state, _ = advance(AlarmState("BWS_PS"), report(0, A=ALARM))
    once, first = advance(state, report(1, A=OK, B=ALARM))
    twice, second = advance(once, report(1, A=OK, B=ALARM))
    assert once == twice
    assert first == second
    assert marks(second) == {"A": Change.CLEARED, "B": Change.NEW}


def test_an_older_window_changes_nothing_and_says_so():
    state, _ = advance(AlarmState("BWS_PS"), report(5, A=ALARM))
    same, late = advance(state, report(2, A=ALARM))
    assert (state.label, same) == ("2026-10-25", state)
    assert not late.compared
    assert marks(late) == {"A": None}
    told = replace(report(2), outcomes=(replace(outcome("A", ALARM), change=Change.NEW),))
    assert marks(advance(state, told)[1]) == {"A": None}


def test_another_datasets_report_is_refused():
    with pytest.raises(ValueError, match="^a report of BWS_PS cannot advance the alarms of BCT_L2"):
        advance(AlarmState("BCT_L2"), report(0))


def test_two_checks_with_one_identity_are_one_alarm():
    both = replace(report(0), outcomes=(outcome("A", OK), outcome("A", ALARM)))
    (first,) = story(both)
    assert [entry.change for entry in first.report.outcomes] == [None, Change.NEW]
    assert first.counts["new"] == 1
    first, second = (replace(outcome("A", ALARM), reason=reason) for reason in ("one", "two"))
    state, _ = advance(AlarmState("BWS_PS"), replace(report(0), outcomes=(first, second)))
    assert [alarm.reason for alarm in state.alarms] == ["one"]


def test_a_second_identical_day_has_nothing_new():
    many = {f"D{index}": ALARM for index in range(5000)}
    _, second = story(report(0, **many), report(1, **many))
    assert second.counts == {"new": 0, "ongoing": 5000, "cleared": 0, "unjudged": 0}


def test_the_marked_and_the_silenced_are_told_apart():
    (changed,) = story(report(0, A=ALARM, B=ALARM, C=OK))
    outcomes = [
        replace(entry, silenced="by jdoe" if entry.device == "B" else "")
        for entry in changed.report.outcomes
    ]
    quiet = replace(changed, report=changed.report.with_outcomes(outcomes))
    assert quiet.marked(Change.NEW) == (outcomes[0],)
    assert quiet.silenced == (outcomes[1],)
    assert quiet.counts == {"new": 1, "ongoing": 0, "cleared": 0, "unjudged": 0}


def test_a_report_by_itself_changes_nothing():
    alone = Changes(report(0, A=ALARM))
    assert alone.compared
    assert (alone.ages, alone.cleared, alone.unjudged, alone.silence_ends) == ({}, (), (), ())


def test_ten_reports_are_remembered_of_an_alarm_and_a_line_of_what_it_said():
    reports = [report(day, A=ALARM) for day in range(12)]
    long = replace(reports[-1].outcomes[0], reason="x" * 300)
    (alarm,) = replay("BWS_PS", [*reports[:-1], replace(reports[-1], outcomes=(long,))]).alarms
    assert (alarm.history, alarm.reports, alarm.reason) == ("1" * 10, 12, "x" * 240)


def test_changes_is_one_step_from_given_alarms():
    state, _ = advance(AlarmState("BWS_PS"), report(0, A=ALARM))
    assert changes(report(1, A=ALARM), state.alarms) == advance(state, report(1, A=ALARM))[1]
    patient = Policy(clear_reports=2)
    assert changes(report(1, A=OK), state.alarms, patient).cleared == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": "oaf-alarms/2"}',
        '{"schema": "oaf-alarms/1", "dataset": "X", "end": 3, "label": "", '
        '"alarms": [], "before": []}',
        '{"schema": "oaf-alarms/1", "dataset": "X", "end": null, "label": "", '
        '"alarms": [{"identity": "a"}], "before": []}',
    ],
)
def test_a_document_that_is_none_is_refused_with_the_way_out(text):
    with pytest.raises(ReportError, match="made again by replaying"):
        AlarmState.read(text)


def test_an_empty_state_is_a_document_too():
    empty = AlarmState("BWS_PS")
    assert json.loads(empty.write()) == {
        "schema": "oaf-alarms/1",
        "dataset": "BWS_PS",
        "end": None,
        "label": "",
        "alarms": [],
        "before": [],
    }
    assert AlarmState.read(empty.write()) == empty


def test_a_document_of_another_schema_is_refused():
    with pytest.raises(ReportError) as caught:
        AlarmState.read(AlarmState("BWS_PS").write().replace("alarms/1", "alarms/2"))
    assert str(caught.value) == (
        "the alarm state is not an oaf-alarms/1 document "
        "(ValueError(\"schema is 'oaf-alarms/2', not 'oaf-alarms/1'\")); "
        "it can be made again by replaying the dataset's reports"
    )


def test_a_history_of_other_signs_is_refused():
    state, _ = advance(AlarmState("BWS_PS"), report(0, A=ALARM))
    assert '"history": "1"' in state.write()
    with pytest.raises(
        ReportError, match=r"ValueError\(\"a history is written in 0 and 1, not '12'"
    ):
        AlarmState.read(state.write().replace('"history": "1"', '"history": "12"'))


@pytest.mark.parametrize("quiet", [OK, WARNING])
def test_of_two_with_one_identity_the_louder_is_remembered_in_either_order(quiet):
    pair = (outcome("A", ALARM), outcome("A", quiet))
    for both in (pair, pair[::-1]):
        state, _ = advance(AlarmState("BWS_PS"), replace(report(0), outcomes=both))
        assert [alarm.severity for alarm in state.alarms] == [ALARM]


def test_a_policy_out_of_bounds_is_refused():
    with pytest.raises(ValueError, match=r"^clear_reports is 0; allowed: 1 to memory \(10\)$"):
        Policy(clear_reports=0)
    with pytest.raises(ValueError, match="^clear_reports is 11; allowed"):
        Policy(clear_reports=11)
    with pytest.raises(ValueError, match="^flapping is 1; allowed: 2 or more onsets$"):
        Policy(flapping=1)
    assert (Policy(clear_reports=10).clear_reports, Policy(flapping=2).flapping) == (10, 2)


SEVERITIES = st.sampled_from(list(Severity))
REPORTS = st.lists(
    st.tuples(st.booleans(), st.dictionaries(st.sampled_from("ABC"), SEVERITIES)), max_size=15
)


@given(REPORTS, st.integers(1, 3))
def test_what_is_told_adds_up(days, clear_reports):
    """However the days go: each onset NEW once, each end CLEARED once, in turn."""
    policy = Policy(clear_reports=clear_reports)
    state = AlarmState("BWS_PS")
    open_now: dict[str, bool] = dict.fromkeys("ABC", False)
    made = []
    for day, (finished, severities) in enumerate(days):
        made.append(report(day, finished, **severities))
        state, changed = advance(state, made[-1], policy)
        assert AlarmState.read(state.write()) == state
        assert advance(state, made[-1], policy) == (state, changed)
        said = marks(changed)
        for name, severity in severities.items():
            assert (said[name] in (Change.NEW, Change.ONGOING)) == severity.alarming
            if said[name] is Change.ONGOING:
                assert open_now[name]
            if severity.alarming:
                open_now[name] = True
        for alarm in changed.cleared:
            assert open_now[alarm.device]
            open_now[alarm.device] = False
        held = {alarm.device for alarm in state.alarms if alarm.open}
        assert held == {name for name, is_open in open_now.items() if is_open}
        assert all(len(alarm.history) <= policy.memory for alarm in state.alarms)
    assert replay("BWS_PS", reversed(made), policy) == state
