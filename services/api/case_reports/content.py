"""Builds the content of a report from the records of a case. Pure: same case, same content."""

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from services.api.case_reports import codes, wording
from services.api.case_reports.rules import (
    Case,
    Radiotherapy,
    Version,
    age_group,
    drug_role,
    fitted,
    number,
    split,
)
from services.api.case_reports.schemas import (
    Assessment,
    CaseReport,
    CauseOfDeath,
    Coded,
    Continuation,
    Death,
    Dosage,
    Drug,
    Message,
    Missing,
    Narrative,
    NullFlavor,
    Patient,
    PrimarySource,
    Reaction,
    Registration,
    Report,
    Sender,
    StudyIdentification,
)
from services.api.protocol.safety import CaseReporting
from services.api.protocol.schema import Protocol, Treatment

NARRATIVE, COMMENTS = 100_000, 20_000
"""Characters that H.1 and each H.5.r.1a, and H.4, have room for."""

RADIOTHERAPY = "Radiotherapy"
INTERRUPTED = "The study drug was interrupted; it was not withdrawn for good."
_NI = Missing(null_flavor=NullFlavor.NI)
_MSK = Missing(null_flavor=NullFlavor.MSK)
_NASK = Missing(null_flavor=NullFlavor.NASK)


def case_report(case: Case, protocol: Protocol, created_at: datetime) -> CaseReport:
    """The report of a case as its records stand, created at this moment.

    The caller has made sure that the case is reportable (`rules.obstacles`).
    """
    terms = protocol.adverse_events.case_report
    report = _report(case, terms, created_at)
    return CaseReport(
        message=_message(case, report, terms),
        report=report,
        primary_source=PrimarySource(
            family_name=_MSK,
            organisation=fitted(case.site_name, 60),
            country=terms.country,
            qualification=codes.QUALIFICATIONS[terms.reporter_qualification],
            primary=codes.PRIMARY,
        ),
        sender=Sender(
            type=codes.SENDERS[terms.sender_type],
            organisation=fitted(protocol.study.sponsor, 100),
            country=terms.country,
        ),
        study=_study(protocol),
        patient=_patient(case, terms),
        reactions=[_reaction(version, terms) for version in case.told],
        drugs=_drugs(case, protocol),
        narrative=_narrative(case, protocol),
    )


def report_id(case_id: UUID, terms: CaseReporting) -> str:
    """C.1.1: country, organisation and number, the same in every version and at every receiver."""
    return f"{terms.country}-{terms.organisation}-{case_id}"


def _message(case: Case, report: Report, terms: CaseReporting) -> Message:
    return Message(
        batch_type=codes.ICHICSR,
        batch_number=f"{report.safety_report_id}-{len(case.versions)}",
        batch_sender=terms.sender_identifier,
        batch_receiver=terms.receiver_identifier,
        batch_sent_at=report.created_at,
        message_id=report.safety_report_id,
        message_sender=terms.sender_identifier,
        message_receiver=terms.receiver_identifier,
        created_at=report.created_at,
    )


def _report(case: Case, terms: CaseReporting, created_at: datetime) -> Report:
    identifier = report_id(case.case_id, terms)
    first = min(version.aware_at for version in case.told)
    latest = max(version.informed_at for version in case.versions)
    reason = case.versions[-1].reason if case.nullified else None
    return Report(
        safety_report_id=identifier,
        created_at=_second(created_at),
        report_type=codes.REPORT_FROM_STUDY,
        first_received_at=_second(first),
        latest_information_at=_second(latest),
        additional_documents=False,
        expedited=True,
        worldwide_id=identifier,
        first_sender=codes.FIRST_SENDER_OTHER,
        other_identifiers=_NI,
        linked_reports=[report_id(linked, terms) for linked in case.linked],
        change=codes.NULLIFICATION if case.nullified else None,
        change_reason=None if reason is None else fitted(reason, 2000),
    )


def _second(moment: datetime) -> datetime:
    """E2B knows no fractions of a second."""
    return moment.replace(microsecond=0)


def _study(protocol: Protocol) -> StudyIdentification:
    study, terms = protocol.study, protocol.adverse_events.case_report
    return StudyIdentification(
        registrations=[Registration(number=study.nct_id, country=terms.registry_country)],
        name=fitted(study.official_title, 2000),
        sponsor_number=fitted(study.organisation_study_id, 50),
        type=codes.CLINICAL_TRIAL,
    )


def _patient(case: Case, terms: CaseReporting) -> Patient:
    onset = min(version.onset_on for version in case.told)
    group = age_group(case.year_of_birth, onset, terms.age_groups)
    chemotherapy = case.radiotherapy is not None and case.radiotherapy.concurrent_chemotherapy
    return Patient(
        name=_MSK,
        investigation_number=case.subject_number,
        age_group=Missing(null_flavor=NullFlavor.UNK) if group is None else codes.AGE_GROUPS[group],
        sex=codes.SEX[case.sex],
        medical_history=_NASK,
        concomitant_therapies=True if chemotherapy else None,
        death=_death(case) if case.died else None,
    )


def _death(case: Case) -> Death:
    fatal = (version for version in case.told if version.outcome == "fatal")
    causes = [
        CauseOfDeath(
            meddra_version=version.meddra_version,
            meddra_code=version.meddra_code,
            text=fitted(wording.reported_term(version), 250),
        )
        for version in fatal
    ]
    return Death(died_on=case.died_on, causes=causes, autopsy=_NASK)


def _reaction(version: Version, terms: CaseReporting) -> Reaction:
    def criterion(name: str) -> Literal[True] | Missing:
        return True if name in version.seriousness else _NI

    return Reaction(
        id=version.event_id,
        reported=fitted(wording.reported_term(version), 250),
        language=terms.language,
        meddra_version=version.meddra_version,
        meddra_code=version.meddra_code,
        death=criterion("death"),
        life_threatening=criterion("life_threatening"),
        hospitalisation=criterion("hospitalisation"),
        disability=criterion("disability"),
        congenital_anomaly=criterion("congenital_anomaly"),
        other_medically_important=criterion("other_medically_important"),
        started_on=version.onset_on,
        ended_on=version.resolved_on,
        outcome=codes.OUTCOMES[version.outcome],
        country=terms.country,
    )


def _drugs(case: Case, protocol: Protocol) -> list[Drug]:
    drugs = [_study_drug(case, protocol)]
    plan = case.radiotherapy
    if plan is not None and plan.first_fraction_on is not None:
        drugs.append(_radiotherapy(case, plan, protocol))
    return drugs


def _study_drug(case: Case, protocol: Protocol) -> Drug:
    terms = protocol.adverse_events.case_report
    role = drug_role(case.receives_study_drug, case.drug_days)
    action = case.told[-1].action_taken
    taken = role == "suspect"
    return Drug(
        id=uuid5(case.case_id, "study drug"),
        role=codes.ROLES[role],
        name=terms.study_drug,
        dosages=[_dosage(case, protocol.treatment, terms)] if taken else [],
        indications=[fitted(text, 250) for text in protocol.study.conditions],
        action=codes.ACTIONS[action if taken else "not_applicable"],
        assessments=[
            Assessment(reaction=version.event_id, source=source, result=codes.JUDGMENTS[verdict])
            for version in case.told
            for source, verdict in (
                ("Investigator", version.causality_study_drug),
                ("Sponsor", version.sponsor_causality),
            )
            if verdict is not None
        ],
        additional_information=INTERRUPTED if taken and action == "interrupted" else None,
    )


def _dosage(case: Case, treatment: Treatment, terms: CaseReporting) -> Dosage:
    first, last = case.drug_days or (None, None)
    return Dosage(
        dose=number(treatment.dose_ml),
        dose_unit="mL",
        interval=number(24 / treatment.applications_per_day),
        interval_unit="h",
        started_on=first,
        ended_on=last,
        text=fitted(treatment.instructions, 2000),
        form=terms.dose_form,
        route=terms.route,
    )


def _radiotherapy(case: Case, plan: Radiotherapy, protocol: Protocol) -> Drug:
    related = protocol.adverse_events.related
    blamed = any(version.causality_radiotherapy in related for version in case.told)
    role: Coded = codes.ROLES["suspect" if blamed else "concomitant"]
    return Drug(
        id=uuid5(case.case_id, "radiotherapy"),
        role=role,
        name=RADIOTHERAPY,
        dosages=[
            Dosage(
                dose=None,
                dose_unit=None,
                interval=None,
                interval_unit=None,
                started_on=plan.first_fraction_on,
                ended_on=plan.last_fraction_on,
                text=(
                    f"{number(plan.planned_dose_gy)} Gy in"
                    f" {plan.planned_fractions} fractions planned"
                ),
                form=None,
                route=None,
            )
        ],
        indications=[],
        action=None,
        assessments=[
            Assessment(
                reaction=version.event_id,
                source="Investigator",
                result=codes.JUDGMENTS[version.causality_radiotherapy],
            )
            for version in case.told
        ],
        additional_information=None,
    )


def _narrative(case: Case, protocol: Protocol) -> Narrative:
    language = protocol.adverse_events.case_report.language
    first, *rest = split(wording.narrative(case), NARRATIVE)
    return Narrative(
        text=first,
        sender_comments=fitted(wording.sender_comments(case), COMMENTS),
        continued=[Continuation(text=text, language=language) for text in rest],
    )
