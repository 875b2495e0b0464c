"""What a data query may be about, and the steps of its life, as data.

The site answers and whoever asked decides: `open` → `answered` → `closed`,
and back to `open` while the answer does not settle it.
Source: ICH E6(R3) 4.2.2 and 4.2.3, review and correction of data.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.api.core.permissions import Role


class QueryStatus(StrEnum):
    """Whose turn it is: the site's, the opener's, or nobody's any more."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class QueryAction(StrEnum):
    """One step of a query's conversation."""

    RAISE = "raise"
    ANSWER = "answer"
    REOPEN = "reopen"
    CLOSE = "close"


class QueryOrigin(StrEnum):
    """Who noticed it: a person, or the service."""

    PERSON = "person"
    SYSTEM = "system"


STATUS: Mapping[QueryAction, QueryStatus] = {
    QueryAction.RAISE: QueryStatus.OPEN,
    QueryAction.ANSWER: QueryStatus.ANSWERED,
    QueryAction.REOPEN: QueryStatus.OPEN,
    QueryAction.CLOSE: QueryStatus.CLOSED,
}
"""The status that a query has after each step."""

SETTLED = QueryAction.CLOSE
"""The last step of a query that needs nobody any more."""

MOVES: Collection[tuple[QueryStatus, QueryAction]] = frozenset(
    {
        (QueryStatus.OPEN, QueryAction.ANSWER),
        (QueryStatus.OPEN, QueryAction.CLOSE),  # raised by mistake, or nobody is left to answer
        (QueryStatus.ANSWERED, QueryAction.ANSWER),  # the answer corrected
        (QueryStatus.ANSWERED, QueryAction.REOPEN),
        (QueryStatus.ANSWERED, QueryAction.CLOSE),
        (QueryStatus.CLOSED, QueryAction.REOPEN),
    }
)
"""The steps that follow from each status."""

ANSWERERS = frozenset({Role.INVESTIGATOR, Role.COORDINATOR, Role.ASSESSOR, Role.HOSPITAL_SYSTEM})
"""Who answers for a site."""

REVIEWERS = frozenset({Role.MONITOR, Role.DATA_MANAGER})
"""Who raises queries, and decides about those that the service raised."""


class RecordKind(StrEnum):
    """What a query may be about."""

    SUBJECT = "subject"
    CONSENT = "consent"
    ELIGIBILITY = "eligibility"
    RADIOTHERAPY = "radiotherapy"
    VISIT = "visit"
    GRADING = "grading"
    ADVERSE_EVENT = "adverse_event"
    DEVIATION = "deviation"
    EXPOSURE = "exposure"
    DISCONTINUATION = "discontinuation"


@dataclass(frozen=True)
class Kept:
    """Where records of a kind are kept, and what of them is a field.

    `key` is the column that tells a subject's records of the kind apart, None
    where there is one only. `names` are the fields whose column is called
    otherwise; `derived` are the columns that nobody enters.
    """

    table: str
    key: str | None = "id"
    names: Mapping[str, str] = field(default_factory=dict)
    derived: frozenset[str] = frozenset()


RECORDS: Mapping[RecordKind, Kept] = {
    RecordKind.SUBJECT: Kept("subject", None, derived=frozenset({"number", "created_at"})),
    RecordKind.CONSENT: Kept("consent"),
    RecordKind.ELIGIBILITY: Kept(
        "eligibility_evaluation",
        None,
        derived=frozenset(
            {"facts", "normalised", "criteria", "overall", "evaluation_hash", "evaluated_on"}
        ),
    ),
    RecordKind.RADIOTHERAPY: Kept("radiotherapy", None),
    RecordKind.VISIT: Kept("visit", "code", names={"visited_on": "date"}),
    RecordKind.GRADING: Kept(
        "grading",
        derived=frozenset(
            {"assessor", "assessed_on", "derived_protocol", "derived_who", "derived_rtog"}
        ),
    ),
    RecordKind.ADVERSE_EVENT: Kept(
        "adverse_event",
        names={
            "causality_study_drug": "causality.study_drug",
            "causality_radiotherapy": "causality.radiotherapy",
        },
        derived=frozenset(
            {"ctcae_version", "first_id", "continuation", "received_at", "reference_version"}
        ),
    ),
    RecordKind.DEVIATION: Kept("deviation", derived=frozenset({"source"})),
    RecordKind.EXPOSURE: Kept("exposure"),
    RecordKind.DISCONTINUATION: Kept("discontinuation", None),
}

_OF_EVERY_ROW = frozenset(
    {"id", "site", "subject_id", "recorded_by", "recorded_at", "protocol_version", "reason"}
)


def fields_of(kind: RecordKind, columns: Collection[str], facts: Collection[str]) -> set[str]:
    """The fields of a kind of record that a query may name.

    They are its columns under the names that callers know; of eligibility they
    are the protocol's facts. `version` is a field of a consent only: there it
    names the form that was signed.
    """
    if kind is RecordKind.ELIGIBILITY:
        return set(facts)
    kept = RECORDS[kind]
    hidden = _OF_EVERY_ROW | kept.derived | {kept.key}
    if kind is not RecordKind.CONSENT:
        hidden |= {"version"}
    return {kept.names.get(column, column) for column in columns if column not in hidden}


def may_step(origin: QueryOrigin, status: QueryStatus, step: QueryAction, role: Role) -> bool:
    """Whether the step follows from the status, when someone of that role takes it.

    What the service asked is answered before it is closed. The data manager may
    close it unanswered: a site without staff must not hold up the lock.
    """
    if origin is QueryOrigin.SYSTEM and (status, step) == (QueryStatus.OPEN, QueryAction.CLOSE):
        return role is Role.DATA_MANAGER
    return (status, step) in MOVES


def may_answer(role: Role) -> bool:
    """Whether someone of that role answers for their site."""
    return role in ANSWERERS


def may_decide(origin: QueryOrigin, role: Role, *, opener: bool) -> bool:
    """Whether someone closes or reopens a query.

    The opener does, and of the service's own queries a monitor. A data manager
    does so with any query: what nobody could close would keep the trial from
    being locked for ever.
    """
    if origin is QueryOrigin.SYSTEM:
        return role in REVIEWERS
    return opener or role is Role.DATA_MANAGER
