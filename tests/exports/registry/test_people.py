"""The subjects of the registry's tables are those of the reports."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.api.endpoint.rules import Decision
from services.api.exports.extract import Extract
from services.api.exports.registry.people import Person, analysed, people
from services.api.reports import queries
from tests.lived import Lived


@pytest.mark.parametrize("by_arm", [False, True], ids=["blind", "by arm"])
def test_they_are_counted_as_the_reports_count_them(extract: Extract, by_arm: bool) -> None:
    found = {one.participant.id: one.participant for one in people(extract, by_arm=by_arm)}
    reported = queries.participants(
        extract.session, extract.clock, extract.protocol, extract.caller.sites, by_arm=by_arm
    )
    for one in reported:
        # Two things are the reports' own: criteria that fail, and every single assessment.
        outcome = replace(
            one.outcome,
            primary=Decision(one.outcome.primary.status),
            secondary=Decision(one.outcome.secondary.status),
            gaps=(),
            counted=(),
        )
        assert found.pop(one.id) == replace(one, failed=(), outcome=outcome)
    assert found == {}


def test_the_arm_is_read_by_nobody_who_may_not_compare(extract: Extract) -> None:
    assert {one.participant.arm for one in people(extract, by_arm=False)} == {None}


def test_what_is_told_of_a_person_is_what_is_recorded(extract: Extract, lived: Lived) -> None:
    stored = lived.api.rows(
        "SELECT subject.id, sex, (normalised->>'age_at_consent')::int AS age, stratum.levels,"
        " (SELECT min(signed_on) FROM consent WHERE subject_id = subject.id) AS enrolled_on,"
        " (SELECT count(DISTINCT coalesce(first_id, id))"
        "   FROM (SELECT DISTINCT ON (id) * FROM adverse_event"
        "   WHERE subject_id = subject.id ORDER BY id, version DESC) AS event"
        "   WHERE nullified IS NULL"
        "   AND onset_on >= (randomized_at AT TIME ZONE 'Asia/Shanghai')::date) AS events"
        " FROM subject JOIN allocation ON allocation.subject_id = subject.id"
        " JOIN stratum ON stratum.code = allocation.stratum"
        " JOIN eligibility_evaluation AS evaluation ON evaluation.subject_id = subject.id"
        " AND evaluation.version = evaluation_version"
    )
    found: dict[UUID, Person] = {
        one.participant.id: one for one in people(extract, by_arm=True) if one.levels
    }
    for row in stored:
        one = found.pop(row.id)
        assert (one.sex, one.age, one.levels) == (row.sex, row.age, row.levels)
        assert (one.enrolled_on, len(one.events)) == (row.enrolled_on, row.events)
        assert all(event.organ_system for event in one.events)
    assert found == {}


def test_of_a_person_randomized_twice_the_first_allocation_counts(extract: Extract) -> None:
    everybody = people(extract, by_arm=True)
    randomized = [one for one in everybody if one.participant.randomized_on is not None]
    assert len(analysed(everybody)) == len(randomized) - 1
