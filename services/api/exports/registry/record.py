"""The study's own part of the record: as registered, brought up to what the trial is today."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.api.enrolment.rules import LEFT, SubjectStatus
from services.api.exports.extract import Extract
from services.api.exports.registry.people import Person
from services.api.protocol.registry import published
from services.api.protocol.schema import Arm, Json, Protocol, Site

_OUT = LEFT | {SubjectStatus.COMPLETED}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the trial has come. `recruiting` are the sites with an approval in force."""

    today: date
    recruiting: frozenset[str]
    randomized: int
    target: int
    started_on: date | None
    """The day on which the first subject consented."""
    ended_on: date | None
    """Of a trial that is over, the last day on which anybody was assessed."""

    @property
    def closed(self) -> bool:
        """Whether nobody is recruited any more."""
        return self.randomized >= self.target

    @property
    def status(self) -> str:
        """The trial's status in the registry's words."""
        if self.ended_on is not None:
            return "COMPLETED"
        if self.closed:
            return "ACTIVE_NOT_RECRUITING"
        return "RECRUITING" if self.recruiting else "NOT_YET_RECRUITING"


def standing(extract: Extract, everybody: Sequence[Person]) -> Standing:
    """How far the trial has come, as its records tell; it is over when everybody randomized is."""
    randomized = [one for one in everybody if one.participant.randomized_on is not None]
    target = extract.protocol.study.target_enrolment
    over = len(randomized) >= target and all(one.participant.status in _OUT for one in randomized)
    enrolled = [one.enrolled_on for one in everybody if one.enrolled_on is not None]
    seen = [one.last_assessed_on for one in randomized if one.last_assessed_on is not None]
    return Standing(
        today=extract.today,
        recruiting=frozenset(
            one.site
            for one in extract.activations
            if one.approved_on <= extract.today and one.protocol_version == extract.protocol.version
        ),
        randomized=len(randomized),
        target=target,
        started_on=min(enrolled, default=None),
        ended_on=max(seen, default=None) if over else None,
    )


def protocol_section(protocol: Protocol, now: Standing) -> Json:
    """The record as it was published, with what the protocol and the trial's state say instead."""
    section = deepcopy(published(protocol.study.nct_id))
    return _laid_over(section, _known(protocol, now, section))


def country(protocol: Protocol) -> str | None:
    """The country of the record's locations, if they are all in one."""
    listed = _locations(published(protocol.study.nct_id))
    countries = {one["country"] for one in listed if "country" in one}
    return countries.pop() if len(countries) == 1 else None


def _known(protocol: Protocol, now: Standing, section: Json) -> Json:
    study = protocol.study
    return {
        "identificationModule": {
            "nctId": study.nct_id,
            "orgStudyIdInfo": {"id": study.organisation_study_id},
            "organization": {"fullName": study.sponsor},
            "briefTitle": study.brief_title,
            "officialTitle": study.official_title,
        },
        "statusModule": _status(protocol, now),
        "sponsorCollaboratorsModule": {
            "leadSponsor": {"name": study.sponsor},
            "collaborators": _matched(
                [{"name": name} for name in study.collaborators],
                section.get("sponsorCollaboratorsModule", {}).get("collaborators", []),
                "name",
            ),
        },
        "oversightModule": {"oversightHasDmc": study.has_dmc},
        "conditionsModule": {"conditions": list(study.conditions)},
        "designModule": {
            "studyType": study.study_type,
            "phases": [study.phase],
            "designInfo": {
                "allocation": study.allocation,
                "interventionModel": study.intervention_model,
                "maskingInfo": {"masking": study.masking},
            },
            "enrollmentInfo": _enrolment(now),
        },
        "armsInterventionsModule": {
            "armGroups": _matched(
                [_arm_group(arm) for arm in protocol.arms],
                section.get("armsInterventionsModule", {}).get("armGroups", []),
                "label",
            )
        },
        "outcomesModule": {
            "primaryOutcomes": [_outcome(study.primary_outcome)],
            "secondaryOutcomes": [_outcome(one) for one in study.secondary_outcomes],
        },
        "contactsLocationsModule": {
            "locations": _matched(
                [_location(site, protocol, now) for site in protocol.sites],
                _locations(section),
                "city",
            )
        },
    }


def _status(protocol: Protocol, now: Standing) -> Json:
    study = protocol.study
    return {
        "statusVerifiedDate": f"{now.today:%Y-%m}",
        "overallStatus": now.status,
        "startDateStruct": _day(now.started_on, study.start),
        "primaryCompletionDateStruct": _day(now.ended_on, study.primary_completion),
        "completionDateStruct": _day(now.ended_on, study.completion),
    }


def _day(actual: date | None, planned: str) -> Json:
    if actual is None:
        return {"date": planned, "type": "ESTIMATED"}
    return {"date": actual.isoformat(), "type": "ACTUAL"}


def _enrolment(now: Standing) -> Json:
    if now.closed:
        return {"count": now.randomized, "type": "ACTUAL"}
    return {"count": now.target, "type": "ESTIMATED"}


def _arm_group(arm: Arm) -> Json:
    return {"label": arm.label, "type": arm.type.upper(), "description": arm.description}


def _outcome(outcome: Any) -> Json:
    return {
        "measure": outcome.measure,
        "description": outcome.description,
        "timeFrame": outcome.time_frame,
    }


def _location(site: Site, protocol: Protocol, now: Standing) -> Json:
    found: Json = {"facility": site.name, "status": _site_status(site, now), "city": site.city}
    where = country(protocol)
    return found | ({"country": where} if where else {})


def _site_status(site: Site, now: Standing) -> str:
    if now.closed or now.ended_on is not None:
        return now.status
    return "RECRUITING" if site.code in now.recruiting else "NOT_YET_RECRUITING"


def _locations(section: Mapping[str, Any]) -> list[Json]:
    found: list[Json] = section.get("contactsLocationsModule", {}).get("locations", [])
    return found


def _matched(own: Sequence[Json], listed: Sequence[Json], key: str) -> list[Json]:
    """The trial's own list, each with what the record adds to the member of the same key."""
    by_key = {one[key]: one for one in listed}
    return [{**by_key.get(one[key], {}), **one} for one in own]


def _laid_over(below: Json, above: Json) -> Json:
    """The members of both; where both have one that is no object, the upper one's."""
    for name, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(name), dict):
            _laid_over(below[name], value)
        else:
            below[name] = value
    return below
