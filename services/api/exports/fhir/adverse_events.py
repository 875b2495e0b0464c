"""Adverse events: AdverseEvent with the extensions of HL7's guide for clinical research.

Source: HL7, Adverse Event Clinical Research 1.0.1, for R5; ICH E2B(R3) for the words.
"""

from collections.abc import Iterator
from typing import Any

from services.api.adverse_events.cases import lasts_until
from services.api.adverse_events.rules import EXPECTED, ONGOING, UNKNOWN
from services.api.exports.extract import Part, SubjectRecord
from services.api.exports.fhir.codes import (
    CAUSALITY,
    GRADES,
    OUTCOMES,
    SERIOUSNESS,
    Responsibility,
)
from services.api.exports.fhir.elements import (
    HL7,
    MEDDRA,
    Json,
    Names,
    coding,
    concept,
    extension,
    instant,
    kept,
    listed,
    period,
    recorded,
    reference,
    resource,
)
from services.api.exports.fhir.people import People
from services.api.exports.fhir.study import STUDY_DRUG
from services.api.exports.fhir.treatment import RADIATION
from services.api.protocol.schema import Protocol

PARTS = (Part.ADVERSE_EVENTS, Part.RADIOTHERAPY)

_GUIDE = "http://hl7.org/fhir/uv/ae-research-ig/StructureDefinition"


def resources(
    record: SubjectRecord, names: Names, protocol: Protocol, people: People
) -> Iterator[Json]:
    """Every adverse event in its current version, those that were nullified too."""
    treated = record.one(Part.RADIOTHERAPY) is not None
    events = record.current(Part.ADVERSE_EVENTS)
    reported = {one.id: one for one in record.all(Part.ADVERSE_EVENTS) if one.version == 1}
    following = {one.continues: one.onset_on for one in events if not one.nullified}
    for event in events:
        reporter = people.reference(reported[event.id].recorded_by)
        until = lasts_until(event.resolved_on, following.get(event.id), record.subject.died_on)
        related = event.causality_radiotherapy in protocol.adverse_events.related
        yield resource(
            "AdverseEvent",
            event.id,
            meta=recorded(event),
            extension=[*_extensions(event, names)],
            identifier=[names.identifier("adverse-event-case", event.first_id or event.id)],
            status=_status(event),
            actuality="actual",
            code=_term(event),
            subject=reference("Patient", event.subject_id),
            occurrencePeriod=period(event.onset_on, until),
            detected=instant(event.aware_at),
            recordedDate=instant(reported[event.id].recorded_at),
            location=reference("Location", event.site),
            seriousness=concept(
                coding(
                    f"{HL7}/adverse-event-seriousness",
                    "serious" if event.serious else "non-serious",
                )
            ),
            outcome=[concept(*OUTCOMES[event.outcome])],
            recorder=reporter,
            study=[reference("ResearchStudy", protocol.study.nct_id)],
            expectedInResearchStudy=event.expectedness and event.expectedness == EXPECTED,
            suspectEntity=[*_suspects(event, names, reporter, treated=treated)],
            contributingFactor=listed(
                {"itemReference": reference("Procedure", event.subject_id)}
                if treated and related
                else None
            ),
            mitigatingAction=[
                {"itemCodeableConcept": names.concept("action-taken", event.action_taken)}
            ],
        )


def _status(event: Any) -> str:
    if event.nullified:
        return "entered-in-error"
    if event.outcome == UNKNOWN:
        return "unknown"
    return "in-progress" if event.outcome in ONGOING else "completed"


def _term(event: Any) -> Json:
    """The dictionary's term, a lowest level term of MedDRA; with the text that `Other` needs."""
    code = kept(
        system=MEDDRA, version=event.meddra_version, code=event.meddra_code, display=event.term
    )
    text = event.term if event.term_detail is None else f"{event.term}: {event.term_detail}"
    return concept(code, text=f"{text} (CTCAE {event.ctcae_version})")


def _extensions(event: Any, names: Names) -> Iterator[Json]:
    yield extension(f"{_GUIDE}/ae-grade", valueCodeableConcept=concept(GRADES[event.grade]))
    for criterion in event.seriousness:
        official = [SERIOUSNESS[criterion]] if criterion in SERIOUSNESS else []
        code = concept(*official, names.coding("seriousness", criterion))
        yield {
            "url": f"{_GUIDE}/seriousness-criteria",
            "extension": [
                extension("criterionCode", valueCodeableConcept=code),
                extension("criterionPresent", valueBoolean=True),
            ],
        }


def _suspects(event: Any, names: Names, reporter: Json | None, *, treated: bool) -> Iterator[Json]:
    """The verdict on each treatment, and the sponsor's own on the study drug."""
    drug = {"instanceReference": reference("Medication", STUDY_DRUG)}
    radiotherapy: Json = {"instanceCodeableConcept": concept(RADIATION)}
    if treated:
        radiotherapy = {"instanceReference": reference("Procedure", event.subject_id)}
    of_site = Responsibility.INVESTIGATOR
    yield drug | _verdict(event.causality_study_drug, of_site, names, reporter)
    yield radiotherapy | _verdict(event.causality_radiotherapy, of_site, names, reporter)
    if event.sponsor_causality is not None:
        yield drug | _verdict(event.sponsor_causality, Responsibility.SPONSOR, names, None)


def _verdict(
    verdict: str, responsibility: Responsibility, names: Names, author: Json | None
) -> Json:
    official = [CAUSALITY[verdict]] if verdict in CAUSALITY else []
    return {
        "causality": kept(
            assessmentMethod=names.concept("responsibility", responsibility.value),
            entityRelatedness=names.concept("causality", verdict, *official),
            author=author,
        )
    }
