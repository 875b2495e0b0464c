"""An event in words: what was done, in one sentence, and which fields changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Only(StrEnum):
    """Which of the events of a record and an operation an action's word stands for."""

    ALL = "all"
    FIRST = "the first version"
    LATER = "a later version"
    OF_SUBJECT = "about one subject"
    OF_MANY = "about no single subject"
    ENDED = "a session that has ended"
    GOING_ON = "a session that goes on"


class AuditAction(StrEnum):
    """What was done, as the trail names it."""

    SUBJECT_ENROLLED = "subject enrolled"
    SUBJECT_CHANGED = "subject changed"
    CONSENT_RECORDED = "consent recorded"
    CONSENT_WITHDRAWN = "consent withdrawn"
    ELIGIBILITY_RECORDED = "eligibility recorded"
    ELIGIBILITY_CORRECTED = "eligibility corrected"
    ELIGIBILITY_SIGNED = "eligibility signed"
    RADIOTHERAPY_RECORDED = "radiotherapy recorded"
    RADIOTHERAPY_CORRECTED = "radiotherapy corrected"
    DEVIATION_RECORDED = "deviation recorded"
    SUBJECT_RANDOMIZED = "subject randomized"
    RANDOMIZATION_ERROR_RECORDED = "randomization error recorded"
    VISIT_RECORDED = "visit recorded"
    VISIT_CORRECTED = "visit corrected"
    EXPOSURE_RECORDED = "study drug recorded"
    EXPOSURE_CORRECTED = "study drug corrected"
    DISCONTINUATION_RECORDED = "discontinuation recorded"
    DISCONTINUATION_CORRECTED = "discontinuation corrected"
    GRADING_RECORDED = "grading recorded"
    GRADING_CORRECTED = "grading corrected"
    GRADING_SIGNED = "grading signed"
    ADJUDICATION_OPENED = "adjudication opened"
    ADJUDICATION_DECIDED = "adjudication decided"
    CERTIFICATE_RECORDED = "certificate recorded"
    CERTIFICATE_CHANGED = "certificate changed"
    ADVERSE_EVENT_REPORTED = "adverse event reported"
    ADVERSE_EVENT_CORRECTED = "adverse event corrected"
    ADVERSE_EVENT_SIGNED = "adverse event signed"
    REFERENCE_DOCUMENT_PUBLISHED = "reference document published"
    DEADLINE_OPENED = "deadline opened"
    DEADLINE_FOLLOWED = "deadline followed"
    DEADLINE_REMINDED = "deadline reminded of"
    SUBMISSION_RECORDED = "submission recorded"
    SUBMISSION_CORRECTED = "submission corrected"
    QUERY_RAISED = "query raised"
    QUERY_DISCUSSED = "query discussed"
    GRADING_VERIFIED = "grading verified"
    SUBJECT_LOCK_SET = "subject lock set"
    STOPPING_RULE_EVALUATED = "stopping rule evaluated"
    STUDY_LOCK_SET = "study lock set"
    SITE_ACTIVATED = "site activated"
    PROTOCOL_PUBLISHED = "protocol published"
    LIST_COMMITTED = "randomization list committed"
    ACCOUNT_CREATED = "account created"
    ACCOUNT_CHANGED = "account changed"
    WEBHOOK_CREATED = "webhook created"
    WEBHOOK_CHANGED = "webhook changed"
    SIGNED_IN = "signed in"
    SESSION_ENDED = "session ended"
    SESSION_CHANGED = "session changed"
    SIGN_IN_REFUSED = "sign-in refused"
    SIGN_IN_THROTTLED = "sign-in throttled"
    SIGNATURE_REFUSED = "signature refused"
    PERMISSION_REFUSED = "permission refused"
    RECORD_READ = "record read"
    LIST_READ = "list read"
    TRAIL_EXPORTED = "trail exported"
    DATA_EXPORTED = "data exported"


@dataclass(frozen=True, slots=True)
class Told:
    """The events an action stands for, and its verb phrase; `{subject}` is the subject's number."""

    action: AuditAction
    phrase: str
    operation: str
    record: str | None = None
    only: Only = Only.ALL


def _inserted(action: AuditAction, record: str, phrase: str, only: Only = Only.ALL) -> Told:
    return Told(action, phrase, "INSERT", record, only)


def _versions(
    noun: str, record: str, first: AuditAction, later: AuditAction, verb: str
) -> tuple[Told, ...]:
    return (
        _inserted(first, record, f"{verb} {noun}", Only.FIRST),
        _inserted(later, record, f"corrected {noun}", Only.LATER),
    )


TELLING: tuple[Told, ...] = (
    _inserted(AuditAction.SUBJECT_ENROLLED, "subject", "enrolled subject {subject}"),
    Told(AuditAction.SUBJECT_CHANGED, "changed subject {subject}", "UPDATE", "subject"),
    _inserted(AuditAction.CONSENT_RECORDED, "consent", "recorded a consent of subject {subject}"),
    _inserted(
        AuditAction.CONSENT_WITHDRAWN,
        "consent_withdrawal",
        "recorded that subject {subject} withdrew consent",
    ),
    *_versions(
        "the eligibility of subject {subject}",
        "eligibility_evaluation",
        AuditAction.ELIGIBILITY_RECORDED,
        AuditAction.ELIGIBILITY_CORRECTED,
        "recorded",
    ),
    _inserted(
        AuditAction.ELIGIBILITY_SIGNED,
        "eligibility_signature",
        "signed the eligibility of subject {subject}",
    ),
    *_versions(
        "the radiotherapy of subject {subject}",
        "radiotherapy",
        AuditAction.RADIOTHERAPY_RECORDED,
        AuditAction.RADIOTHERAPY_CORRECTED,
        "recorded",
    ),
    _inserted(
        AuditAction.DEVIATION_RECORDED, "deviation", "recorded a deviation about subject {subject}"
    ),
    _inserted(AuditAction.SUBJECT_RANDOMIZED, "allocation", "randomized subject {subject}"),
    _inserted(
        AuditAction.RANDOMIZATION_ERROR_RECORDED,
        "randomization_correction",
        "recorded an error in the randomization of subject {subject}",
    ),
    *_versions(
        "a visit of subject {subject}",
        "visit",
        AuditAction.VISIT_RECORDED,
        AuditAction.VISIT_CORRECTED,
        "recorded",
    ),
    *_versions(
        "a day's study drug of subject {subject}",
        "exposure",
        AuditAction.EXPOSURE_RECORDED,
        AuditAction.EXPOSURE_CORRECTED,
        "recorded",
    ),
    *_versions(
        "the discontinuation of subject {subject}",
        "discontinuation",
        AuditAction.DISCONTINUATION_RECORDED,
        AuditAction.DISCONTINUATION_CORRECTED,
        "recorded",
    ),
    *_versions(
        "a grading of subject {subject}",
        "grading",
        AuditAction.GRADING_RECORDED,
        AuditAction.GRADING_CORRECTED,
        "recorded",
    ),
    _inserted(
        AuditAction.GRADING_SIGNED, "grading_signature", "signed a grading of subject {subject}"
    ),
    _inserted(
        AuditAction.ADJUDICATION_OPENED,
        "adjudication",
        "graded a visit of subject {subject} otherwise than another assessor",
        Only.FIRST,
    ),
    _inserted(
        AuditAction.ADJUDICATION_DECIDED,
        "adjudication",
        "adjudicated the gradings of a visit of subject {subject}",
        Only.LATER,
    ),
    *_versions(
        "an assessor's certificate",
        "certificate",
        AuditAction.CERTIFICATE_RECORDED,
        AuditAction.CERTIFICATE_CHANGED,
        "recorded",
    ),
    *_versions(
        "an adverse event of subject {subject}",
        "adverse_event",
        AuditAction.ADVERSE_EVENT_REPORTED,
        AuditAction.ADVERSE_EVENT_CORRECTED,
        "reported",
    ),
    _inserted(
        AuditAction.ADVERSE_EVENT_SIGNED,
        "adverse_event_signature",
        "signed an adverse event of subject {subject}",
    ),
    _inserted(
        AuditAction.REFERENCE_DOCUMENT_PUBLISHED,
        "reference_document",
        "published a version of the reference safety information",
    ),
    _inserted(
        AuditAction.DEADLINE_OPENED,
        "safety_deadline",
        "caused a report about subject {subject} to be owed",
        Only.FIRST,
    ),
    _inserted(
        AuditAction.DEADLINE_FOLLOWED,
        "safety_deadline",
        "changed what is owed of a report about subject {subject}",
        Only.LATER,
    ),
    _inserted(
        AuditAction.DEADLINE_REMINDED,
        "safety_reminder",
        "reminded of a report about subject {subject}",
    ),
    *_versions(
        "a safety report about subject {subject}",
        "safety_submission",
        AuditAction.SUBMISSION_RECORDED,
        AuditAction.SUBMISSION_CORRECTED,
        "recorded the submission of",
    ),
    _inserted(AuditAction.QUERY_RAISED, "data_query", "raised a query about subject {subject}"),
    _inserted(
        AuditAction.QUERY_DISCUSSED,
        "data_query_step",
        "wrote in the conversation of a query about subject {subject}",
    ),
    _inserted(
        AuditAction.GRADING_VERIFIED,
        "grading_verification",
        "compared a grading of subject {subject} with its source",
    ),
    _inserted(
        AuditAction.SUBJECT_LOCK_SET,
        "subject_lock",
        "set whether the record of subject {subject} is open, frozen or locked",
    ),
    _inserted(
        AuditAction.STUDY_LOCK_SET, "study_lock", "set whether the trial is open, frozen or locked"
    ),
    _inserted(
        AuditAction.STOPPING_RULE_EVALUATED,
        "stopping_evaluation",
        "caused a stopping rule to be evaluated",
    ),
    _inserted(AuditAction.SITE_ACTIVATED, "site_activation", "activated site {site}"),
    _inserted(AuditAction.PROTOCOL_PUBLISHED, "protocol_version", "published the protocol"),
    _inserted(
        AuditAction.LIST_COMMITTED,
        "randomization_commitment",
        "committed to the randomization list",
    ),
    _inserted(AuditAction.ACCOUNT_CREATED, "account", "created the account {account}"),
    Told(AuditAction.ACCOUNT_CHANGED, "changed the account {account}", "UPDATE", "account"),
    _inserted(AuditAction.WEBHOOK_CREATED, "webhook", "created a webhook"),
    Told(AuditAction.WEBHOOK_CHANGED, "changed a webhook", "UPDATE", "webhook"),
    _inserted(AuditAction.SIGNED_IN, "account_session", "signed in"),
    Told(AuditAction.SESSION_ENDED, "ended a session", "UPDATE", "account_session", Only.ENDED),
    Told(
        AuditAction.SESSION_CHANGED,
        "signed in a session",
        "UPDATE",
        "account_session",
        Only.GOING_ON,
    ),
    Told(AuditAction.SIGN_IN_REFUSED, "was refused to sign in", "SIGN_IN_REFUSED"),
    Told(AuditAction.SIGN_IN_THROTTLED, "was slowed down signing in", "SIGN_IN_THROTTLED"),
    Told(AuditAction.SIGNATURE_REFUSED, "was refused to sign", "SIGNATURE_REFUSED"),
    Told(AuditAction.PERMISSION_REFUSED, "was refused {record}", "REFUSED"),
    Told(
        AuditAction.RECORD_READ,
        "read data of subject {subject} ({record})",
        "READ",
        only=Only.OF_SUBJECT,
    ),
    Told(AuditAction.LIST_READ, "read a list ({record})", "READ", only=Only.OF_MANY),
    Told(AuditAction.TRAIL_EXPORTED, "exported the audit trail", "EXPORT", "audit_event"),
    Told(AuditAction.DATA_EXPORTED, "exported the trial's data", "EXPORT", "export"),
)

BOOKKEEPING = frozenset({"id", "site", "subject_id", "recorded_by", "recorded_at", "received_at"})
"""Columns that an event tells by itself."""
OF_VERSIONS = BOOKKEEPING | {"version", "reason"}
"""What differs between any two versions."""
CHANGES = frozenset({"INSERT", "UPDATE", "DELETE"})
"""Operations on a row; every other one is something that happened."""
_LISTED, _LONGEST = 3, 60

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as it is stored; `previous` is the version before one that was added."""

    operation: str
    record: str
    site: str | None
    subject: str | None
    old: Content | None
    new: Content | None
    previous: Content | None
    actor: str | None
    role: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after."""

    field: str
    old: Any
    new: Any


def told(event: Happened) -> Told | None:
    """What the event is told as; None for a record that has no words here."""
    return next(
        (
            one
            for one in TELLING
            if one.operation == event.operation
            and one.record in (None, event.record)
            and _applies(one.only, event)
        ),
        None,
    )


def _applies(only: Only, event: Happened) -> bool:
    new = event.new or {}
    match only:
        case Only.FIRST | Only.LATER:
            return bool(new.get("version", 1) == 1) == (only is Only.FIRST)
        case Only.OF_SUBJECT | Only.OF_MANY:
            return (event.subject is not None) == (only is Only.OF_SUBJECT)
        case Only.ENDED | Only.GOING_ON:
            return (new.get("ended_at") is not None) == (only is Only.ENDED)
    return True


def action(event: Happened) -> str:
    """What was done, in a few words that stay the same."""
    one = told(event)
    if one is not None:
        return one.action.value
    verb = {"INSERT": "recorded", "UPDATE": "changed", "DELETE": "removed"}.get(event.operation)
    return f"{event.record.replace('_', ' ')} {verb or event.operation.lower()}"


def changes(event: Happened) -> list[Change]:
    """Field by field, from what to what; every field of a first version, from nothing."""
    if event.operation not in CHANGES:
        return []
    old, new = event.old or event.previous or {}, event.new or {}
    known = OF_VERSIONS if event.previous else BOOKKEEPING
    names = [name for name in {**new, **old} if name not in known]
    return [
        Change(name, old.get(name), new.get(name))
        for name in sorted(names)
        if old.get(name) != new.get(name)
    ]


def summary(event: Happened) -> str:
    """Who did what, from what to what and why, in one sentence."""
    one = told(event)
    content = event.new or event.old or {}
    phrase = (one.phrase if one else f"{event.operation.lower()} {{record}}").format(
        subject=event.subject or "?",
        site=event.site or "?",
        record=event.record.replace("_", " "),
        account=content.get("username", "?"),
    )
    return f"{_who(event)} {phrase}{_what(event)}{_why(event)}."


def _who(event: Happened) -> str:
    if event.actor is None:
        return "Someone" if event.operation not in CHANGES else "The system"
    return f"{event.actor} ({event.role.replace('_', ' ')})" if event.role else event.actor


def _what(event: Happened) -> str:
    if event.old is None and event.previous is None:
        return ""
    changed = [one for one in changes(event) if one.field != "version"]
    parts = [
        f"{one.field.replace('_', ' ')} from {_shown(one.old)} to {_shown(one.new)}"
        for one in changed[:_LISTED]
    ]
    if len(changed) > _LISTED:
        parts.append(f"{len(changed) - _LISTED} more")
    return f": {', '.join(parts)}" if parts else ""


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _why(event: Happened) -> str:
    return f", because “{event.reason}”" if event.reason else ""
