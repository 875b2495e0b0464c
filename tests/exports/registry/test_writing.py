"""The study in the registry's JSON: its structure, its sums, and who sees its results."""

import json
from dataclasses import replace

import pytest

from services.api.exports.extract import Extract, Options
from services.api.exports.registry import writing
from services.api.exports.registry.record import standing
from services.api.protocol.registry import published
from services.api.reports import queries
from services.api.reports.safety import safety
from services.api.reports.schemas import Report
from tests.exports.conftest import Opener
from tests.exports.registry.conforming import faults
from tests.lived import Lived
from tests.make import Api, Json


def study(extract: Extract, *, by_arm: bool = True) -> Json:
    """The study as it is exported."""
    found: Json = json.loads(b"".join(writing.write(extract, Options(by_arm=by_arm))))
    return found


def counted(cells: list[Json], name: str) -> list[int]:
    """One number of each group."""
    return [int(one[name]) for one in cells]


def test_a_study_conforms_to_the_registrys_own_models(extract: Extract) -> None:
    for by_arm in (True, False):
        assert faults(study(extract, by_arm=by_arm)) == []


def test_what_the_models_do_not_know_is_noticed(extract: Extract) -> None:
    told = study(extract)
    told["resultsSection"]["participantFlowModule"]["arms"] = []
    assert faults(told) == ["/resultsSection/participantFlowModule/arms"]
    told = study(extract)
    told["protocolSection"]["designModule"]["phases"] = ["PHASE9"]
    assert faults(told)
    assert faults({"protocolSection": published("NCT07312656"), "hasResults": False}) == []


def test_results_are_for_who_may_compare_arms(extract: Extract) -> None:
    blind = study(extract, by_arm=False)
    assert blind.keys() == {"protocolSection", "hasResults"}
    assert blind["hasResults"] is False
    whole = study(extract)
    assert whole["hasResults"] is True
    assert whole["protocolSection"] == blind["protocolSection"]


@pytest.mark.parametrize("by_arm", [False, True], ids=["blind", "by arm"])
def test_the_same_trial_gives_the_same_bytes(
    living: Api, open_extract: Opener, by_arm: bool
) -> None:
    first, second = (
        b"".join(writing.write(open_extract(living), Options(by_arm=by_arm))) for _ in range(2)
    )
    assert first == second


def test_nobody_is_named(extract: Extract, lived: Lived) -> None:
    told = json.dumps(study(extract))
    numbers = [number for (number,) in lived.api.rows("SELECT number FROM subject")]
    ids = [str(one) for (one,) in lived.api.rows("SELECT id FROM subject")]
    assert not [text for text in (*numbers, *ids) if text in told]


def test_the_groups_start_with_everybody_allocated_to_them_once(
    extract: Extract, lived: Lived
) -> None:
    allocated = dict(
        tuple(one)
        for one in lived.api.rows(
            "SELECT arm, count(*) FROM allocation WHERE NOT EXISTS (SELECT FROM"
            " randomization_correction AS later WHERE later.subject_id = allocation.subject_id"
            " AND later.retained IS FALSE) GROUP BY arm"
        )
    )
    expected = [allocated.get(arm.code, 0) for arm in extract.protocol.arms]
    results = study(extract)["resultsSection"]
    period = results["participantFlowModule"]["periods"][0]
    reached = {
        one["type"]: counted(one["achievements"], "numSubjects") for one in period["milestones"]
    }
    assert reached["STARTED"] == expected != [0, 0]
    ends = zip(reached["COMPLETED"], reached["NOT COMPLETED"], strict=True)
    assert [sum(both) for both in ends] == expected
    reasons = [counted(one["reasons"], "numSubjects") for one in period["dropWithdraws"]]
    assert [sum(column) for column in zip(*reasons, strict=True)] == reached["NOT COMPLETED"]
    baseline = results["baselineCharacteristicsModule"]
    assert counted(baseline["denoms"][0]["counts"], "value") == [*expected, sum(expected)]
    groups = results["adverseEventsModule"]["eventGroups"]
    for name in ("deathsNumAtRisk", "seriousNumAtRisk", "otherNumAtRisk"):
        assert counted(groups, name) == expected


def test_events_of_each_arm_equal_those_in_the_database(extract: Extract, lived: Lived) -> None:
    stored = {
        (one.serious, one.arm): (one.events, one.subjects)
        for one in lived.api.rows(
            "SELECT event.serious, arm, count(*) AS events,"
            " count(DISTINCT event.subject_id) AS subjects"
            # A case is one event, serious if any of its grades is.
            " FROM (SELECT event.subject_id, bool_or(serious) AS serious, arm"
            " FROM (SELECT DISTINCT ON (id) * FROM adverse_event ORDER BY id, version DESC)"
            " AS event JOIN allocation ON allocation.subject_id = event.subject_id"
            " WHERE event.nullified IS NULL"
            " AND onset_on >= (randomized_at AT TIME ZONE 'Asia/Shanghai')::date"
            " GROUP BY coalesce(first_id, event.id), event.subject_id, arm) AS event"
            " WHERE NOT EXISTS (SELECT FROM randomization_correction AS later"
            " WHERE later.subject_id = event.subject_id AND later.retained IS FALSE)"
            " GROUP BY event.serious, arm"
        )
    }
    assert stored
    told = study(extract)["resultsSection"]["adverseEventsModule"]
    # So few subjects are randomized that every term is frequent.
    for serious, listed in ((True, told["seriousEvents"]), (False, told["otherEvents"])):
        affected = "seriousNumAffected" if serious else "otherNumAffected"
        for index, arm in enumerate(extract.protocol.arms):
            events = sum(one["stats"][index]["numEvents"] for one in listed)
            subjects = told["eventGroups"][index][affected]
            assert (events, subjects) == stored.get((serious, arm.code), (0, 0))


def test_serious_events_and_deaths_are_those_of_the_safety_report(extract: Extract) -> None:
    session, protocol = extract.session, extract.protocol
    sites = extract.caller.sites
    head = Report(
        as_of=extract.today,
        newest_record=None,
        protocol_version=protocol.version,
        sites=list(sites),
        methods=[],
        notes=[],
    )
    found = queries.participants(session, extract.clock, protocol, sites, by_arm=True)
    events = queries.events(session, sites, protocol.adverse_events.related)
    reported = {row.kind: row for row in safety(head, list(found), events, protocol).groups}
    groups = study(extract)["resultsSection"]["adverseEventsModule"]["eventGroups"]
    assert counted(groups, "seriousNumAffected") == [
        arm.subjects for arm in reported["Serious"].arms
    ]


def test_interim_figures_say_so(extract: Extract, monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(extract.today) in json.dumps(study(extract)["resultsSection"]["moreInfoModule"])
    monkeypatch.setattr(
        "services.api.exports.registry.writing.standing",
        lambda *of: replace(standing(*of), ended_on=extract.today),
    )
    assert "moreInfoModule" not in study(extract)["resultsSection"]


def test_an_empty_trial_has_tables_of_nobody(unchanged: Api, open_extract: Opener) -> None:
    told = study(open_extract(unchanged))
    assert faults(told) == []
    period = told["resultsSection"]["participantFlowModule"]["periods"][0]
    assert counted(period["milestones"][0]["achievements"], "numSubjects") == [0, 0]
