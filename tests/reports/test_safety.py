"""Adverse events by arm, counted by hand."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.api.reports.participants import Participant
from services.api.reports.safety import Event, safety
from tests.reports.generated import PROTOCOL, TODAY, events, head, participants, subject_id

DAY = TODAY - timedelta(days=100)


def subject(number: int, arm: str, *, retained: bool = True) -> Participant:
    return Participant(subject_id(number), "NN", "x", randomized_on=DAY, arm=arm, retained=retained)


def event(number: int, term: str = "Nausea", grade: int = 2, after: int = 5) -> Event:
    return Event(
        subject_id(number), term, grade, DAY + timedelta(days=after), grade > 2, grade > 3, True
    )


SUBJECTS = [
    *(subject(number, "experimental") for number in range(1, 21)),
    *(subject(number, "control") for number in range(21, 46)),
    subject(46, "control", retained=False),
]


def test_a_subject_counts_once_for_a_term_with_the_worst_grade() -> None:
    happened = [event(1), event(1, grade=4), event(2), event(21, grade=1), event(46)]
    report = safety(head([], []), SUBJECTS, happened, PROTOCOL)
    assert report.subjects == {"experimental": 20, "control": 25}
    [nausea] = report.terms
    treated, untreated = nausea.arms
    assert (treated.subjects, treated.events, treated.worst) == (2, 3, [0, 1, 0, 1, 0])
    assert (untreated.subjects, untreated.events, untreated.worst) == (1, 1, [1, 0, 0, 0, 0])
    assert nausea.difference is not None
    assert nausea.difference.estimate == pytest.approx(2 / 20 - 1 / 25)


def test_groups_tell_serious_related_and_fatal_events() -> None:
    happened = [event(1, grade=5), event(2, grade=3), event(21)]
    groups = {row.kind: row for row in safety(head([], []), SUBJECTS, happened, PROTOCOL).groups}
    found = {kind: [arm.subjects for arm in row.arms] for kind, row in groups.items()}
    assert found == {
        "Any": [2, 1],
        "Serious": [2, 0],
        "Related to the study drug": [1, 0],
        "Serious and related to the study drug": [1, 0],
        "Related to radiotherapy": [2, 1],
        "Fatal": [1, 0],
    }


def test_rare_terms_have_no_difference() -> None:
    many = [subject(number, "experimental") for number in range(100, 200)]
    report = safety(head([], []), [*many, *SUBJECTS[20:45]], [event(100)], PROTOCOL)
    assert report.terms[0].difference is None


def test_what_began_before_randomization_belongs_to_no_arm() -> None:
    happened = [event(1, after=-1), event(2, after=0)]
    report = safety(head([], []), SUBJECTS, happened, PROTOCOL)
    assert report.before_randomization == 1
    assert [arm.events for arm in report.terms[0].arms] == [1, 0]


def test_nothing_fails_without_subjects_or_events() -> None:
    assert safety(head([], []), [], [], PROTOCOL).terms == []
    alone = safety(head([], []), SUBJECTS[:20], [event(1)], PROTOCOL)
    assert alone.terms[0].difference is None
    assert alone.terms[0].arms[1].share is None


def test_a_report_by_arm_names_no_subject() -> None:
    made = participants()
    text = safety(head([], []), made, events(made), PROTOCOL).model_dump_json()
    assert not any(str(UUID(int=one.id.int)) in text for one in made)
