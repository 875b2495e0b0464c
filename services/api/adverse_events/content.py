"""What one version of an adverse event holds, checked before it is stored."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlmodel import Session

from services.api.adverse_events import cases, rules
from services.api.adverse_events.errors import DeathNotRecorded, NoReferenceDocument
from services.api.adverse_events.models import AdverseEvent
from services.api.adverse_events.reading import occurrence
from services.api.adverse_events.rules import FATAL_GRADE, Mistake
from services.api.core.clock import Clock
from services.api.core.errors import FieldError, Invalid
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.rules import SubjectStatus
from services.api.language.wording import Wording
from services.api.protocol.safety import AdverseEvents
from services.api.protocol.schema import Protocol
from services.api.protocol.terms import Term, load_terms
from services.api.reference_documents import service as reference_documents

Columns = dict[str, Any]

OF_VERSION = frozenset({"version", "recorded_by", "recorded_at", "received_at", "informed_at"})
"""The columns that every version has anew."""

LISTED_BY = ("term", "grade", "onset_on")
"""The columns by which a reference document lists an event."""


def flat(given: dict[str, Any]) -> Columns:
    """The body's members as columns."""
    causality = given.pop("causality", None)
    if causality is not None:
        given |= {f"causality_{treatment}": verdict for treatment, verdict in causality.items()}
    return given


def kept(before: AdverseEvent) -> Columns:
    """What the next version takes over from the one before, unless it is changed."""
    return before.model_dump(exclude=set(OF_VERSION))


def reported(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject, told: Columns
) -> Columns:
    """The columns of what a site reports, once they fit together.

    Raises:
        NoConsent, DeathNotRecorded.
        Invalid: an unknown term, a grade the term does not have, dates or
            judgments that contradict each other; names each.
    """
    consents = enrolment.require_consented(session, subject)
    term = _term(told["term"], protocol.adverse_events)
    found = rules.mistakes(
        rules.Report(
            grade=told["grade"],
            term_detail=told["term_detail"],
            onset_on=told["onset_on"],
            resolved_on=told["resolved_on"],
            aware_at=told["aware_at"],
            aware_on=clock.local_date(told["aware_at"]),
            informed_at=told["informed_at"],
            serious=told["serious"],
            seriousness=tuple(told["seriousness"]),
            outcome=told["outcome"],
        ),
        term,
        protocol.adverse_events,
        consented_on=min(consent.signed_on for consent in consents),
        now=clock.now(),
        today=clock.today(),
        died_on=subject.died_on,
    )
    refuse(found)
    if told["grade"] == FATAL_GRADE and subject.status != SubjectStatus.DIED:
        raise DeathNotRecorded
    return told | {"term": term.term}


def coded(told: Columns, section: AdverseEvents, before: AdverseEvent | None = None) -> Columns:
    """The columns with the codes of the dictionary, unless the version before is of that term.

    Then its codes stay, which the safety officer may have given.
    """
    if before is not None and before.term == told["term"]:
        return told | {"meddra_version": told["meddra_version"] or section.meddra_version}
    term = _term(told["term"], section)
    return told | {
        "meddra_code": term.meddra_code,
        "meddra_version": section.meddra_version,
        "ctcae_version": section.dictionary_version,
    }


def _term(name: str, section: AdverseEvents) -> Term:
    """The dictionary's term of that name.

    Raises:
        Invalid: there is none.
    """
    version = section.dictionary_version
    term = load_terms(version).named(name)
    if term is None:
        raise Invalid.at(
            "/term", "unknown", Wording("Not a term of CTCAE v{version}", version=version)
        )
    return term


def learnt(clock: Clock, told: Columns) -> Columns:
    """The columns, of which somebody learnt when that was possible.

    Raises:
        Invalid: in the future, or before the site was aware of the event.
    """
    refuse(rules.about_learning(told["informed_at"], told["aware_at"], clock.now()))
    return told


def assessed(session: Session, told: Columns, changes: Columns) -> Columns:
    """The columns of what the safety officer judges, once they fit together.

    Raises:
        NoReferenceDocument: expected, and no document was in force on the day of onset.
        Invalid: expected, and that document does not list it, or half of a coding in MedDRA.
    """
    for one, other in (("meddra_code", "meddra_version"), ("meddra_version", "meddra_code")):
        if one in changes and other not in changes:
            raise Invalid.at(f"/{other}", "missing", "Give code and version together")
    if "expectedness" not in changes:
        return told
    if changes["expectedness"] is None:
        return told | {"reference_version": None}
    document = reference_documents.in_force(session, told["onset_on"])
    if changes["expectedness"] == rules.EXPECTED:
        if document is None:
            raise NoReferenceDocument
        if not reference_documents.expects(document, told["term"], told["grade"]):
            raise Invalid.at(
                "/expectedness",
                "not_listed",
                Wording(
                    "Version {version} of the reference safety information, in force on the day of"
                    " onset, does not list the term at this grade",
                    version=document.version,
                ),
            )
    return told | {"reference_version": document.version if document else None}


def judged_again(session: Session, told: Columns, before: AdverseEvent) -> Columns:
    """The columns, without the judgment that the event is expected if it is not listed any more."""
    same = all(told[name] == getattr(before, name) for name in LISTED_BY)
    if before.expectedness != rules.EXPECTED or same:
        return told
    document = reference_documents.in_force(session, told["onset_on"])
    if document and reference_documents.expects(document, told["term"], told["grade"]):
        return told | {"reference_version": document.version}
    return told | {"expectedness": None, "reference_version": None}


def check_links(
    section: AdverseEvents, case: Sequence[AdverseEvent], changed: Sequence[AdverseEvent]
) -> None:
    """Refuse what contradicts the neighbours of the first of the changed occurrences.

    `case` are the occurrences of the case as they are stored, `changed` the
    versions that are to follow.

    Raises:
        Invalid: names each contradiction.
    """
    after = {row.id: occurrence(row, section) for row in (*case, *changed)}
    one = after[changed[0].id]
    if one.nullified:
        return
    following = (
        other for other in after.values() if other.continues == one.id and not other.nullified
    )
    refuse(
        cases.mistakes(
            one,
            after[one.continues] if one.continues is not None else None,
            next(following, None),
        )
    )


def refuse(found: Iterable[Mistake]) -> None:
    """Refuse a version that has mistakes.

    Raises:
        Invalid: names each.
    """
    errors = [FieldError(pointer=one.pointer, code=one.code, detail=one.detail) for one in found]
    if errors:
        raise Invalid(errors=errors)
