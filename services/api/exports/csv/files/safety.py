"""Adverse events, and the reports of them that were sent or are owed."""

from services.api.exports.csv.column import Column, File, Kind, Line, stored
from services.api.exports.csv.files.columns import (
    OF_SUBJECT,
    current,
    file_of,
    id_of,
    made,
    versioned,
)
from services.api.exports.extract import Part


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
        *OF_SUBJECT,
        id_of(_AE, "adverse_event_id", "Adverse event's id"),
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
        *versioned(_AE),
    ),
    current(Part.ADVERSE_EVENTS),
    (Part.ADVERSE_EVENTS, Part.ADVERSE_EVENT_SIGNATURES),
)

_SENT = "safety_submission"
SUBMISSIONS = file_of(
    Part.SUBMISSIONS,
    "submissions",
    "Safety reports that were sent",
    id_of(_SENT, "submission_id", "Submission's id"),
    stored(_SENT, "case_id", Kind.ID, "Id of the case's first occurrence"),
    stored(_SENT, "event_id", Kind.ID, "Adverse event that was told"),
    stored(_SENT, "event_version", Kind.INTEGER, "Version that was told"),
    stored(_SENT, "recipient", Kind.CODE, "To whom", codes="Recipient"),
    stored(_SENT, "kind", Kind.CODE, "Kind", codes="SubmissionKind"),
    stored(_SENT, "submitted_at", Kind.DATETIME, "Sent at"),
    stored(_SENT, "receipt", Kind.TEXT, "How it was acknowledged"),
    stored(_SENT, "withdrawn", Kind.BOOLEAN, "Whether it was recorded in error"),
    *versioned(_SENT),
)

_OWED = "safety_deadline"
DEADLINES = file_of(
    Part.DEADLINES,
    "deadlines",
    "Safety reports that were or are owed",
    id_of(_OWED, "deadline_id", "Deadline's id"),
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
    *made(_OWED),
)
