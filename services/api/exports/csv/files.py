"""The files of the CSV export, column by column: who reads one reads what the trial holds.

A file has the current version of each record; what was recorded before, and
why it was changed, stands in `superseded`. The dictionary is made of the same
tables, so no column is without its meaning.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from services.api.certificates.rules import certified
from services.api.exports.csv.column import Column, File, Kind, Line, cell, stored
from services.api.exports.extract import OF_OUTCOME, Extract, Part, SubjectRecord
from services.api.gradings import service as gradings
from services.api.gradings.rules import GradingFlag

_SUBJECT = (
    Column(
        "subject", Kind.ID, "Subject number", "subject.number", lambda x: x.record.subject.number
    ),
    Column(
        "site", Kind.CODE, "Site", "subject.site", lambda x: x.record.subject.site, codes="Site"
    ),
)
"""What every line about a subject begins with."""


def _id(table: str, called: str, label: str, name: str = "id") -> Column:
    return stored(table, name, Kind.ID, label, called=called)


def _role(line: Line) -> object:
    user = line.extract.users.get(line.row.recorded_by)
    return None if user is None else user.role


def _made(table: str) -> tuple[Column, ...]:
    """Who recorded a row and when, in real time."""
    return (
        stored(table, "recorded_at", Kind.DATETIME, "Recorded at"),
        stored(table, "recorded_by", Kind.ID, "Account that recorded it"),
        Column(
            "recorded_by_role",
            Kind.CODE,
            "Role of that account now",
            "account.role; empty for the service itself",
            _role,
            codes="Role",
        ),
    )


def _versioned(table: str) -> tuple[Column, ...]:
    """The version of a record, why it was made, and by whom."""
    return (
        stored(table, "version", Kind.INTEGER, "Version; earlier ones are in superseded"),
        stored(table, "reason", Kind.TEXT, "Why this version was made"),
        stored(table, "protocol_version", Kind.TEXT, "Protocol version"),
        *_made(table),
    )


def _current(part: Part) -> Any:
    return lambda _, record: record.current(part)


def _file(part: Part, name: str, meaning: str, *columns: Column) -> File:
    """A file with a line for each record of a part."""
    return File(name, meaning, (*_SUBJECT, *columns), _current(part), (part,))


# --- subjects ---------------------------------------------------------------------------------


def _subjects(_: Extract, record: SubjectRecord) -> Iterator[Any]:
    yield record.subject


def _allocated(name: str) -> Any:
    def read(line: Line) -> object:
        allocation = line.record.one(Part.ALLOCATIONS)
        return None if allocation is None else getattr(allocation, name)

    return read


SUBJECTS = File(
    "subjects",
    "Everyone who was screened, and where they stand",
    (
        *_SUBJECT,
        _id("subject", "subject_id", "Subject's id in the API"),
        stored("subject", "sex", Kind.CODE, "Sex", codes="Sex"),
        stored("subject", "year_of_birth", Kind.INTEGER, "Year of birth", unit="year"),
        stored("subject", "status", Kind.CODE, "Status", codes="SubjectStatus"),
        stored("subject", "left_on", Kind.DATE, "Day the subject left the study"),
        stored("subject", "died_on", Kind.DATE, "Day of death"),
        Column(
            "arm",
            Kind.CODE,
            "Arm allocated to",
            "allocation.arm",
            _allocated("arm"),
            codes="Arm",
        ),
        Column(
            "randomized_at",
            Kind.DATETIME,
            "Randomized at",
            "allocation.randomized_at",
            _allocated("randomized_at"),
        ),
        stored("subject", "protocol_version", Kind.TEXT, "Protocol version at screening"),
        stored("subject", "version", Kind.INTEGER, "How often the row was written"),
        stored("subject", "created_at", Kind.DATETIME, "Screened at", called="screened_at"),
        *_made("subject"),
    ),
    _subjects,
    (Part.ALLOCATIONS,),
)


def _withdrawal(name: str) -> Any:
    def read(line: Line) -> object:
        found = [
            one for one in line.record.current(Part.WITHDRAWALS) if one.consent_id == line.row.id
        ]
        return getattr(found[0], name) if found else None

    return read


CONSENTS = File(
    "consents",
    "Signed consent forms and their withdrawals",
    (
        *_SUBJECT,
        _id("consent", "consent_id", "Consent's id"),
        stored("consent", "version", Kind.TEXT, "Version of the consent form"),
        stored("consent", "signed_on", Kind.DATE, "Day it was signed"),
        *_made("consent"),
        *(
            Column(f"{prefix}{name}", kind, label, f"consent_withdrawal.{name}", _withdrawal(name))
            for prefix, name, kind, label in (
                ("", "withdrawn_on", Kind.DATE, "Day consent was withdrawn"),
                ("withdrawal_", "reason", Kind.TEXT, "Reason given for withdrawing"),
                ("withdrawal_", "recorded_at", Kind.DATETIME, "Withdrawal recorded at"),
                ("withdrawal_", "recorded_by", Kind.ID, "Account that recorded the withdrawal"),
            )
        ),
    ),
    _current(Part.CONSENTS),
    (Part.CONSENTS, Part.WITHDRAWALS),
)

# --- eligibility ------------------------------------------------------------------------------

ELIGIBILITY = _file(
    Part.EVALUATIONS,
    "eligibility",
    "The evaluation of the criteria as a whole",
    stored("eligibility_evaluation", "overall", Kind.CODE, "Verdict", codes="EligibilityOverall"),
    stored("eligibility_evaluation", "evaluated_on", Kind.DATE, "Day it was evaluated"),
    stored("eligibility_evaluation", "evaluation_hash", Kind.ID, "What a signature is bound to"),
    *_versioned("eligibility_evaluation"),
)


class Criterion(NamedTuple):
    """One criterion's verdict in an evaluation."""

    version: int
    told: Mapping[str, Any]


def _criteria(_: Extract, record: SubjectRecord) -> Iterator[Criterion]:
    for row in record.current(Part.EVALUATIONS):
        for told in row.criteria:
            yield Criterion(row.version, told)


def _in_criterion(name: str, kind: Kind, label: str, codes: str | None = None) -> Column:
    source = f"eligibility_evaluation.criteria.{name}"
    called = "criterion" if name == "id" else name
    return Column(called, kind, label, source, lambda x: x.row.told.get(name), codes=codes)


CRITERIA = File(
    "eligibility_criteria",
    "Each criterion's verdict in the current evaluation",
    (
        *_SUBJECT,
        stored("eligibility_evaluation", "version", Kind.INTEGER, "Version of the evaluation"),
        _in_criterion("id", Kind.CODE, "Criterion", "Criterion"),
        _in_criterion("kind", Kind.CODE, "Inclusion or exclusion", "CriterionKind"),
        _in_criterion("verdict", Kind.CODE, "Verdict", "CriterionVerdict"),
        _in_criterion("flag", Kind.TEXT, "What the investigator is asked to look at"),
        _in_criterion("stale", Kind.BOOLEAN, "Whether a fact it reads was too old to be used"),
    ),
    _criteria,
    (Part.EVALUATIONS,),
)


class Fact(NamedTuple):
    """One fact of an evaluation, as it was given and as it was read."""

    version: int
    fact: str
    given: Any
    normalised: Any

    def part(self, name: str) -> Any:
        """A part of a dated fact as it was given; the value itself of any other."""
        if isinstance(self.given, Mapping):
            return self.given.get(name)
        return self.given if name == "value" else None

    @property
    def read(self) -> Any:
        """The value in the quantity's unit."""
        return self.normalised["value"] if isinstance(self.normalised, Mapping) else self.normalised


def _facts(_: Extract, record: SubjectRecord) -> Iterator[Fact]:
    for row in record.current(Part.EVALUATIONS):
        for name in sorted(row.facts):
            yield Fact(row.version, name, row.facts[name], row.normalised.get(name))


def _fact(name: str, kind: Kind, label: str) -> Column:
    source = f"eligibility_evaluation.facts.{name}"
    return Column(name, kind, label, source, lambda x: x.row.part(name))


def _unit(line: Line) -> object:
    told = line.row.normalised
    return told.get("unit") if isinstance(told, Mapping) else None


FACTS = File(
    "eligibility_facts",
    "Each fact of the current evaluation, as it was given and in its quantity's unit",
    (
        *_SUBJECT,
        stored("eligibility_evaluation", "version", Kind.INTEGER, "Version of the evaluation"),
        Column(
            "fact",
            Kind.CODE,
            "Fact",
            "eligibility_evaluation.facts",
            lambda x: x.row.fact,
            codes="Fact",
        ),
        _fact("value", Kind.TEXT, "Value as given"),
        _fact("unit", Kind.TEXT, "Unit as given"),
        _fact("uln", Kind.DECIMAL, "Laboratory's upper limit of normal, in the unit given"),
        _fact("measured_on", Kind.DATE, "Day of the measurement"),
        Column(
            "normalised_value",
            Kind.TEXT,
            "Value in the quantity's unit",
            "eligibility_evaluation.normalised.value",
            lambda x: x.row.read,
        ),
        Column(
            "normalised_unit",
            Kind.TEXT,
            "The quantity's unit",
            "eligibility_evaluation.normalised.unit",
            _unit,
        ),
    ),
    _facts,
    (Part.EVALUATIONS,),
)

# --- radiotherapy -----------------------------------------------------------------------------

RADIOTHERAPY = _file(
    Part.RADIOTHERAPY,
    "radiotherapy",
    "Radiotherapy as planned and delivered",
    stored("radiotherapy", "planned_dose_gy", Kind.DECIMAL, "Planned dose", unit="Gy"),
    stored("radiotherapy", "planned_fractions", Kind.INTEGER, "Planned fractions"),
    stored("radiotherapy", "planned_start", Kind.DATE, "Planned first day"),
    stored("radiotherapy", "concurrent_chemotherapy", Kind.BOOLEAN, "Concurrent chemotherapy"),
    stored("radiotherapy", "stratification", Kind.JSON, "Stratification factors recorded with it"),
    stored("radiotherapy", "first_fraction_on", Kind.DATE, "Day of the first fraction"),
    stored("radiotherapy", "last_fraction_on", Kind.DATE, "Day of the last fraction"),
    stored("radiotherapy", "delivered_dose_gy", Kind.DECIMAL, "Delivered dose", unit="Gy"),
    stored("radiotherapy", "delivered_fractions", Kind.INTEGER, "Delivered fractions"),
    *_versioned("radiotherapy"),
)


def _interruptions(_: Extract, record: SubjectRecord) -> Iterator[Mapping[str, Any]]:
    row = record.one(Part.RADIOTHERAPY)
    yield from (row.interruptions or ()) if row is not None else ()


def _pause(name: str, kind: Kind, label: str) -> Column:
    source = f"radiotherapy.interruptions.{name}"
    return Column(name, kind, label, source, lambda x: x.row.get(name))


INTERRUPTIONS = File(
    "interruptions",
    "Days of radiotherapy on which no fraction was given",
    (
        *_SUBJECT,
        _pause("from", Kind.DATE, "First day without a fraction"),
        _pause("to", Kind.DATE, "Last day without one; empty while it goes on"),
        _pause("reason", Kind.TEXT, "Reason"),
    ),
    _interruptions,
    (Part.RADIOTHERAPY,),
)

# --- randomization ----------------------------------------------------------------------------

RANDOMIZATIONS = _file(
    Part.ALLOCATIONS,
    "randomizations",
    "Allocations to an arm, as drawn",
    _id("allocation", "allocation_id", "Allocation's id"),
    stored("allocation", "arm", Kind.CODE, "Arm", codes="Arm"),
    stored("allocation", "randomization_number", Kind.ID, "Randomization number"),
    stored("allocation", "randomized_at", Kind.DATETIME, "Randomized at"),
    stored("allocation", "stratum", Kind.CODE, "Stratum it was drawn from"),
    Column(
        "factors",
        Kind.JSON,
        "Values of the stratification factors used",
        "stratum.levels",
        lambda x: x.extract.strata.get(x.row.stratum),
    ),
    stored(
        "allocation", "evaluation_version", Kind.INTEGER, "Version of the evaluation it rests on"
    ),
    stored("allocation", "protocol_version", Kind.TEXT, "Protocol version"),
    *_made("allocation"),
)

CORRECTIONS = _file(
    Part.CORRECTIONS,
    "randomization_corrections",
    "Errors made in randomization; the allocation stands",
    _id("randomization_correction", "correction_id", "Correction's id"),
    stored("randomization_correction", "kind", Kind.CODE, "Kind of error", codes="CorrectionKind"),
    stored("randomization_correction", "discovered_on", Kind.DATE, "Day it was found"),
    stored("randomization_correction", "stratum", Kind.CODE, "Correct stratum"),
    stored("randomization_correction", "criteria", Kind.CODE, "Criteria not passed; by semicolons"),
    stored("randomization_correction", "pair", Kind.ID, "Same in both subjects of a person"),
    stored("randomization_correction", "retained", Kind.BOOLEAN, "Whether this subject counts"),
    stored("randomization_correction", "reason", Kind.TEXT, "Reason"),
    stored("randomization_correction", "protocol_version", Kind.TEXT, "Protocol version"),
    *_made("randomization_correction"),
)

# --- visits, gradings, treatment --------------------------------------------------------------

VISITS = _file(
    Part.VISITS,
    "visits",
    "Visits that took place or were missed",
    stored("visit", "code", Kind.CODE, "Visit", called="visit", codes="Visit"),
    stored("visit", "visited_on", Kind.DATE, "Day of the visit"),
    stored("visit", "missed_reason", Kind.TEXT, "Why it was missed"),
    *_versioned("visit"),
)


def _of_grading(part: Part, name: str) -> Any:
    """Of the signature or verification of the version that counts."""

    def read(line: Line) -> object:
        key = line.row.id, line.row.version
        for one in line.record.all(part):
            if (one.grading_id, one.version) == key:
                return getattr(one, name)
        return None

    return read


def _flags(line: Line) -> object:
    row, extract = line.row, line.extract
    found = {one.flag.value for one in gradings.doubts(row, extract.protocol)}
    if not certified(extract.certificates, row.assessor, row.assessed_on):
        found.add(GradingFlag.ASSESSOR_NOT_CERTIFIED.value)
    return tuple(sorted(found))


GRADINGS = File(
    "gradings",
    "Assessments of oral mucositis; a visit may have two, by different assessors",
    (
        *_SUBJECT,
        _id("grading", "grading_id", "Grading's id"),
        stored("grading", "visit", Kind.CODE, "Visit", codes="Visit"),
        stored("grading", "assessor", Kind.ID, "Account of the assessor"),
        stored("grading", "assessed_at", Kind.DATETIME, "Assessed at"),
        stored("grading", "assessed_on", Kind.DATE, "Day of the assessment"),
        stored("grading", "grade", Kind.INTEGER, "Grade entered by the assessor: the primary one"),
        stored(
            "grading",
            "mucosal_appearance",
            Kind.CODE,
            "Worst appearance of the mucosa",
            codes="MucosalAppearance",
        ),
        stored("grading", "ulceration", Kind.BOOLEAN, "Whether there is an ulcer"),
        stored("grading", "pain_score", Kind.INTEGER, "Oral pain, 0 to 10"),
        stored("grading", "analgesic", Kind.CODE, "Strongest analgesic needed", codes="Analgesic"),
        stored("grading", "diet", Kind.CODE, "Diet tolerated", codes="Diet"),
        stored("grading", "derived_protocol", Kind.INTEGER, "Grade that follows by the protocol"),
        stored("grading", "derived_who", Kind.INTEGER, "Grade that follows by WHO"),
        stored("grading", "derived_rtog", Kind.INTEGER, "Grade that follows by RTOG"),
        Column(
            "flags",
            Kind.CODE,
            "What someone should look at; by semicolons",
            "derived: docs/gradings.md",
            _flags,
            codes="GradingFlag",
        ),
        Column(
            "signed_at",
            Kind.DATETIME,
            "This version was signed at",
            "grading_signature.signed_at",
            _of_grading(Part.GRADING_SIGNATURES, "signed_at"),
        ),
        Column(
            "verified_at",
            Kind.DATETIME,
            "This version was compared with its source at",
            "grading_verification.recorded_at",
            _of_grading(Part.VERIFICATIONS, "recorded_at"),
        ),
        *_versioned("grading"),
    ),
    _current(Part.GRADINGS),
    (Part.GRADINGS, Part.GRADING_SIGNATURES, Part.VERIFICATIONS),
)

ADJUDICATIONS = _file(
    Part.ADJUDICATIONS,
    "adjudications",
    "Visits whose gradings differed, and the decisions",
    _id("adjudication", "adjudication_id", "Adjudication's id"),
    stored("adjudication", "visit", Kind.CODE, "Visit", codes="Visit"),
    stored("adjudication", "grade", Kind.INTEGER, "Grade decided; empty while it is open"),
    *_versioned("adjudication"),
)

EXPOSURES = _file(
    Part.EXPOSURES,
    "exposures",
    "Study drug taken, day by day",
    _id("exposure", "exposure_id", "Exposure's id"),
    stored("exposure", "day", Kind.DATE, "Day"),
    stored("exposure", "applications", Kind.INTEGER, "Applications taken"),
    stored("exposure", "missed_reason", Kind.TEXT, "Why fewer were taken"),
    *_versioned("exposure"),
)

DISCONTINUATIONS = _file(
    Part.DISCONTINUATIONS,
    "discontinuations",
    "The end of treatment, and of taking part",
    stored("discontinuation", "treatment_on", Kind.DATE, "Last day of treatment"),
    stored(
        "discontinuation",
        "treatment_cause",
        Kind.CODE,
        "Why treatment ended",
        codes="TreatmentCause",
    ),
    stored("discontinuation", "treatment_detail", Kind.TEXT, "In words"),
    stored("discontinuation", "study_on", Kind.DATE, "Day the subject left the study"),
    stored("discontinuation", "study_cause", Kind.CODE, "Why they left", codes="StudyCause"),
    stored("discontinuation", "study_detail", Kind.TEXT, "In words"),
    *_versioned("discontinuation"),
)

DEVIATIONS = _file(
    Part.DEVIATIONS,
    "deviations",
    "Departures from the protocol",
    _id("deviation", "deviation_id", "Deviation's id"),
    stored("deviation", "code", Kind.CODE, "Kind", codes="DeviationCode"),
    stored("deviation", "description", Kind.TEXT, "Description"),
    stored("deviation", "occurred_on", Kind.DATE, "Day"),
    stored("deviation", "source", Kind.CODE, "Who noticed it", codes="DeviationSource"),
    *_made("deviation"),
)

# --- safety -----------------------------------------------------------------------------------


def _case(line: Line) -> object:
    return line.row.first_id or line.row.id


def _reviewed(line: Line) -> object:
    key = line.row.id, line.row.version
    for one in line.record.all(Part.ADVERSE_EVENT_SIGNATURES):
        if (one.adverse_event_id, one.version) == key:
            return one.signed_at
    return None


_AE = "adverse_event"
ADVERSE_EVENTS = File(
    "adverse_events",
    "Occurrences of adverse events; those of one case follow one another as the severity changed",
    (
        *_SUBJECT,
        _id(_AE, "adverse_event_id", "Adverse event's id"),
        Column("case_id", Kind.ID, "Id of the case's first occurrence", f"{_AE}.first_id", _case),
        stored(_AE, "continues", Kind.ID, "The occurrence before this one"),
        stored(_AE, "continuation", Kind.INTEGER, "How many continued the same one before, from 1"),
        stored(
            _AE, "nullified", Kind.BOOLEAN, "Whether it was reported in error, and counts no more"
        ),
        stored(_AE, "term", Kind.TEXT, "Term of the dictionary"),
        stored(_AE, "term_detail", Kind.TEXT, "The reporter's words, of a term that asks for them"),
        stored(_AE, "meddra_code", Kind.ID, "MedDRA code of the term"),
        stored(_AE, "meddra_version", Kind.TEXT, "MedDRA version"),
        stored(_AE, "ctcae_version", Kind.TEXT, "CTCAE version"),
        stored(_AE, "grade", Kind.INTEGER, "CTCAE grade, 1 to 5"),
        stored(_AE, "onset_on", Kind.DATE, "Day of onset"),
        stored(_AE, "resolved_on", Kind.DATE, "Day it was over"),
        stored(_AE, "aware_at", Kind.DATETIME, "The site became aware at"),
        stored(_AE, "informed_at", Kind.DATETIME, "The site learnt of this version at"),
        stored(_AE, "received_at", Kind.DATETIME, "This version was reported at, in clinical time"),
        stored(_AE, "serious", Kind.BOOLEAN, "Serious"),
        stored(_AE, "seriousness", Kind.CODE, "Why; by semicolons", codes="Seriousness"),
        stored(
            _AE,
            "causality_study_drug",
            Kind.CODE,
            "Caused by the study drug, in the investigator's judgment",
            codes="CausalityVerdict",
        ),
        stored(
            _AE,
            "causality_radiotherapy",
            Kind.CODE,
            "Caused by radiotherapy, in the investigator's judgment",
            codes="CausalityVerdict",
        ),
        stored(
            _AE,
            "sponsor_causality",
            Kind.CODE,
            "Caused by the study drug, in the sponsor's judgment",
            codes="CausalityVerdict",
        ),
        stored(_AE, "expectedness", Kind.CODE, "Expected of the drug", codes="Expectedness"),
        stored(_AE, "reference_version", Kind.TEXT, "Reference document it was judged by"),
        stored(_AE, "action_taken", Kind.CODE, "Done with the study drug", codes="ActionTaken"),
        stored(_AE, "outcome", Kind.CODE, "Outcome", codes="EventOutcome"),
        Column(
            "signed_at",
            Kind.DATETIME,
            "An investigator signed this version at",
            "adverse_event_signature.signed_at",
            _reviewed,
        ),
        *_versioned(_AE),
    ),
    _current(Part.ADVERSE_EVENTS),
    (Part.ADVERSE_EVENTS, Part.ADVERSE_EVENT_SIGNATURES),
)

_SENT = "safety_submission"
SUBMISSIONS = _file(
    Part.SUBMISSIONS,
    "submissions",
    "Safety reports that were sent",
    _id(_SENT, "submission_id", "Submission's id"),
    stored(_SENT, "case_id", Kind.ID, "Id of the case's first occurrence"),
    stored(_SENT, "event_id", Kind.ID, "Adverse event that was told"),
    stored(_SENT, "event_version", Kind.INTEGER, "Version that was told"),
    stored(_SENT, "recipient", Kind.CODE, "To whom", codes="Recipient"),
    stored(_SENT, "kind", Kind.CODE, "Kind", codes="SubmissionKind"),
    stored(_SENT, "submitted_at", Kind.DATETIME, "Sent at"),
    stored(_SENT, "receipt", Kind.TEXT, "How it was acknowledged"),
    stored(_SENT, "withdrawn", Kind.BOOLEAN, "Whether it was recorded in error"),
    *_versioned(_SENT),
)

_OWED = "safety_deadline"
DEADLINES = _file(
    Part.DEADLINES,
    "deadlines",
    "Safety reports that were or are owed",
    _id(_OWED, "deadline_id", "Deadline's id"),
    stored(_OWED, "case_id", Kind.ID, "Id of the case's first occurrence"),
    stored(_OWED, "event_id", Kind.ID, "Adverse event that it follows from"),
    stored(_OWED, "event_version", Kind.INTEGER, "Version that it follows from"),
    stored(_OWED, "clock", Kind.CODE, "Clock", codes="Clock"),
    stored(_OWED, "recipient", Kind.CODE, "Owed to", codes="Recipient"),
    stored(_OWED, "follow_up", Kind.BOOLEAN, "Whether it is the follow-up report"),
    stored(_OWED, "opening", Kind.INTEGER, "How often the clock was started, from 1"),
    stored(_OWED, "day_zero", Kind.DATETIME, "Counted from"),
    stored(_OWED, "due_at", Kind.DATETIME, "Due at"),
    stored(_OWED, "due_on", Kind.DATE, "Last day, of a clock that counts days"),
    stored(_OWED, "provisional", Kind.BOOLEAN, "Whether the sponsor's assessment is still missing"),
    stored(_OWED, "met_by", Kind.ID, "Submission that met it"),
    stored(_OWED, "met_at", Kind.DATETIME, "Met at"),
    stored(_OWED, "lapsed_at", Kind.DATETIME, "No longer owed since"),
    stored(_OWED, "lapsed_because", Kind.CODE, "Why", codes="LapseCause"),
    stored(_OWED, "version", Kind.INTEGER, "Version; earlier ones are in superseded"),
    stored(_OWED, "protocol_version", Kind.TEXT, "Protocol version"),
    *_made(_OWED),
)

# --- review -----------------------------------------------------------------------------------


def _last_step(line: Line) -> object:
    steps = [one.step for one in line.record.all(Part.QUERY_STEPS) if one.id == line.row.id]
    return steps[-1] if steps else None


def _steps(line: Line) -> object:
    return sum(one.id == line.row.id for one in line.record.all(Part.QUERY_STEPS))


QUERIES = File(
    "queries",
    "Data queries; what was asked and answered is not exported",
    (
        *_SUBJECT,
        _id("data_query", "query_id", "Query's id"),
        stored("data_query", "record", Kind.CODE, "About which record", codes="RecordKind"),
        stored("data_query", "record_id", Kind.ID, "Its id"),
        stored("data_query", "field", Kind.CODE, "About which field"),
        stored("data_query", "origin", Kind.CODE, "Who asks", codes="QueryOrigin"),
        stored("data_query", "code", Kind.CODE, "What the service noticed"),
        stored("data_query", "raised_at", Kind.DATETIME, "Raised at, in the trial's time"),
        Column("last_step", Kind.CODE, "Last step", "data_query_step.step", _last_step),
        Column("steps", Kind.INTEGER, "Steps so far", "data_query_step", _steps),
        *_made("data_query"),
    ),
    _current(Part.QUERIES),
    (Part.QUERIES, Part.QUERY_STEPS),
)

LOCKS = _file(
    Part.LOCKS,
    "locks",
    "The lock of each subject who ever had one of their own; a lock of the whole trial is in no"
    " export",
    stored("subject_lock", "state", Kind.CODE, "State", codes="LockState"),
    stored("subject_lock", "reason", Kind.TEXT, "Reason"),
    stored("subject_lock", "version", Kind.INTEGER, "Version; earlier ones are in superseded"),
    *_made("subject_lock"),
)


class Signed(NamedTuple):
    """A signature on a record of one kind."""

    record: str
    record_id: UUID
    row: Any


def _signatures(_: Extract, record: SubjectRecord) -> Iterator[Signed]:
    for row in record.all(Part.EVALUATION_SIGNATURES):
        yield Signed("eligibility_evaluation", row.subject_id, row)
    for row in record.all(Part.GRADING_SIGNATURES):
        yield Signed("grading", row.grading_id, row)
    for row in record.all(Part.ADVERSE_EVENT_SIGNATURES):
        yield Signed("adverse_event", row.adverse_event_id, row)


def _signed(name: str, kind: Kind, label: str, codes: str | None = None) -> Column:
    return Column(
        name, kind, label, f"…_signature.{name}", lambda x: getattr(x.row.row, name), codes=codes
    )


def _hash(line: Line) -> object:
    row = line.row.row
    return row.evaluation_hash if hasattr(row, "evaluation_hash") else row.content_hash


SIGNATURES = File(
    "signatures",
    "Signatures on versions of records, by the signer's account and role",
    (
        *_SUBJECT,
        _signed("id", Kind.ID, "Signature's id"),
        Column("record", Kind.CODE, "What was signed", "the table", lambda x: x.row.record),
        Column("record_id", Kind.ID, "Its id", "the record's id", lambda x: x.row.record_id),
        _signed("version", Kind.INTEGER, "Version that was signed"),
        _signed("meaning", Kind.CODE, "What was stated", "SignatureMeaning"),
        _signed("signer_role", Kind.CODE, "Role of the signer", "Role"),
        _signed("recorded_by", Kind.ID, "Account of the signer"),
        _signed("signed_at", Kind.DATETIME, "Signed at"),
        Column(
            "content_hash", Kind.ID, "Hash of what was signed", "…_signature.content_hash", _hash
        ),
    ),
    _signatures,
    (
        Part.EVALUATION_SIGNATURES,
        Part.GRADING_SIGNATURES,
        Part.ADVERSE_EVENT_SIGNATURES,
    ),
)

# --- the endpoint -----------------------------------------------------------------------------


def _outcomes(extract: Extract, record: SubjectRecord) -> Iterator[Any]:
    yield extract.outcome(record)


def _derived(name: str, kind: Kind, label: str, read: Any, **more: str) -> Column:
    return Column(name, kind, label, "derived: docs/endpoint.md", read, **more)


def _deciding(line: Line) -> object:
    deciding = line.row.primary.deciding
    return deciding.grading if deciding else None


ENDPOINTS = File(
    "endpoints",
    "The outcome of every subject as of the day in as_of",
    (
        *_SUBJECT,
        _derived("as_of", Kind.DATE, "Day by which it was derived", lambda x: x.extract.today),
        _derived(
            "primary_status",
            Kind.CODE,
            "Primary outcome",
            lambda x: x.row.primary.status.value,
            codes="OutcomeStatus",
        ),
        _derived("deciding_grading", Kind.ID, "Grading that made it an event", _deciding),
        _derived(
            "secondary_status",
            Kind.CODE,
            "Secondary outcome",
            lambda x: x.row.secondary.status.value,
            codes="OutcomeStatus",
        ),
        _derived(
            "window_from",
            Kind.DATE,
            "First day that counts",
            lambda x: x.row.window and x.row.window.from_,
        ),
        _derived(
            "window_to",
            Kind.DATE,
            "Last day that counts; empty until the last fraction",
            lambda x: x.row.window and x.row.window.to,
        ),
        _derived("max_grade", Kind.INTEGER, "Highest grade", lambda x: x.row.max_grade),
        _derived(
            "days_to_first_severe",
            Kind.INTEGER,
            "Days from the first fraction to the first severe grade",
            lambda x: x.row.days_to_first_severe,
            unit="d",
        ),
        _derived(
            "days_severe",
            Kind.INTEGER,
            "Days at a severe grade",
            lambda x: x.row.days_severe,
            unit="d",
        ),
        _derived("grade_4", Kind.BOOLEAN, "Whether grade 4 was reached", lambda x: x.row.grade_4),
        _derived(
            "gy_at_onset",
            Kind.DECIMAL,
            "Estimated dose at the first severe grade",
            lambda x: x.row.gy_at_onset,
            unit="Gy",
        ),
        _derived("slots", Kind.INTEGER, "Visits that should be graded", lambda x: x.row.slots),
        _derived("kept", Kind.INTEGER, "Of these, with a grading in time", lambda x: x.row.kept),
        _derived(
            "gaps",
            Kind.CODE,
            "Visits that can have none any more",
            lambda x: x.row.gaps,
            codes="Visit",
        ),
    ),
    _outcomes,
    OF_OUTCOME,
)

# --- what was recorded before -----------------------------------------------------------------

REVISED = tuple(part for part in Part if part.source.versioned)


class Former(NamedTuple):
    """One value of a version that is no longer the current one."""

    table: str
    record_id: str
    column: str
    value: Any
    row: Any


_OF_VERSION = frozenset(
    {"id", "site", "subject_id", "version", "reason", "recorded_at", "recorded_by"}
)


def _former(_: Extract, record: SubjectRecord) -> Iterator[Former]:
    for part in REVISED:
        current = {id(row) for row in record.current(part)}
        source = part.source
        for row in record.all(part):
            if id(row) in current:
                continue
            named = ";".join(str(getattr(row, name)) for name in source.key)
            for column in source.columns:
                if column.name not in _OF_VERSION:
                    value = getattr(row, column.name)
                    told = cell(Kind.JSON, value) if isinstance(value, list | dict) else value
                    yield Former(source.name, named, column.name, told, row)


def _of_former(name: str, kind: Kind, label: str) -> Column:
    return Column(name, kind, label, f"….{name}", lambda x: getattr(x.row.row, name))


SUPERSEDED = File(
    "superseded",
    "Every value of every version that was corrected since, one a line",
    (
        *_SUBJECT,
        Column("table", Kind.CODE, "Record", "the table", lambda x: x.row.table),
        Column(
            "record_id",
            Kind.ID,
            "Its id, or a visit's code, or the subject's id of what there is one of",
            "key",
            lambda x: x.row.record_id,
        ),
        _of_former("version", Kind.INTEGER, "Version"),
        Column("column", Kind.CODE, "Column", "the column", lambda x: x.row.column),
        Column(
            "value",
            Kind.TEXT,
            "Value then; JSON where it is a list",
            "value",
            lambda x: x.row.value,
        ),
        Column(
            "reason",
            Kind.TEXT,
            "Why that version had been made",
            "….reason",
            lambda x: getattr(x.row.row, "reason", None),
        ),
        _of_former("recorded_at", Kind.DATETIME, "Recorded at"),
        _of_former("recorded_by", Kind.ID, "Account that recorded it"),
    ),
    _former,
    REVISED,
)

FILES: tuple[File, ...] = (
    SUBJECTS,
    CONSENTS,
    ELIGIBILITY,
    CRITERIA,
    FACTS,
    RADIOTHERAPY,
    INTERRUPTIONS,
    RANDOMIZATIONS,
    CORRECTIONS,
    VISITS,
    GRADINGS,
    ADJUDICATIONS,
    EXPOSURES,
    DISCONTINUATIONS,
    DEVIATIONS,
    ADVERSE_EVENTS,
    SUBMISSIONS,
    DEADLINES,
    QUERIES,
    LOCKS,
    SIGNATURES,
    ENDPOINTS,
    SUPERSEDED,
)
