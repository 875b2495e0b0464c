"""Errors made in randomization, recorded and never undone: the only user of their table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, and_
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel, col, select

from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.db import because
from services.api.core.errors import FieldError, Invalid, NotFound
from services.api.core.pagination import PageQuery, page
from services.api.corrections import rules
from services.api.corrections.errors import AlreadyPaired, NothingToCorrect, SameStratum
from services.api.corrections.models import Correction
from services.api.corrections.rules import CorrectionKind
from services.api.corrections.schemas import CorrectionCreate, CorrectionQuery
from services.api.deviations import service as deviations
from services.api.deviations.schemas import DeviationCode
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.protocol.schema import Protocol
from services.api.randomization import service as randomization
from services.api.randomization.errors import NotRandomized
from services.api.randomization.rules import stratum_of


@dataclass(frozen=True)
class Case:
    """A locked subject and the allocation that stands."""

    subject: Subject
    allocation: Mapping[str, Any]


Finding = tuple[dict[str, Any], str]
"""What a kind of error adds to a subject's row, and the deviation in a sentence."""


# --- recording -------------------------------------------------------------------------


def record(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    given: CorrectionCreate,
) -> Mapping[str, Any]:
    """Record what went wrong when the subject was randomized, and a deviation with it.

    The allocation is only read. Of the same person randomized twice both
    subjects get a row. Source: Yelland et al. 2015.

    Raises:
        NotFound: no such subject at the caller's sites.
        Invalid: fields of another kind, unknown strata, criteria or subjects,
            dates that cannot be; names each.
        NothingToCorrect: the subject, or the other one, has no allocation.
        SameStratum, AlreadyPaired: it is recorded already.
    """
    enrolment.get_subject(session, caller, subject_id)
    _refuse(rules.misplaced(given.kind, given.model_dump(exclude_unset=True)))
    cases = _cases(session, caller, subject_id, given.other_subject)
    enrolment.not_after(clock.today(), given.discovered_on, "/discovered_on")
    randomized_on = [clock.local_date(case.allocation["randomized_at"]) for case in cases]
    if given.discovered_on < max(randomized_on):
        raise Invalid.at("/discovered_on", "before_randomization", "Not before randomization")
    if given.stratum is not None:
        findings = [_wrong_stratum(session, protocol, cases[0], given.stratum)]
    elif given.criteria is not None:
        findings = [_ineligible(protocol, given.criteria)]
    else:
        findings = _duplicate(session, protocol, cases, given.reason)
    because(session, given.reason)
    rows = [
        Correction(
            site=case.subject.site,
            subject_id=case.subject.id,
            recorded_by=caller.id,
            kind=given.kind.value,
            reason=given.reason,
            discovered_on=given.discovered_on,
            protocol_version=protocol.version,
            **columns,
        )
        for case, (columns, _) in zip(cases, findings, strict=True)
    ]
    session.add_all(rows)
    for case, (_, description), day in zip(cases, findings, randomized_on, strict=True):
        code = DeviationCode.RANDOMIZATION_ERROR
        deviations.note(session, caller, case.subject, code, description, day)
    session.flush()
    query = _shown(caller).where(_CORRECTION.c.id == rows[0].id)
    return session.connection().execute(query).one()._asdict()


def _refuse(faults: Iterable[FieldError]) -> None:
    if found := list(faults):
        raise Invalid(errors=found)


def _cases(
    session: Session, caller: Principal, subject_id: UUID, other_id: UUID | None
) -> list[Case]:
    """The subject, and the other one if there is one, each locked until commit.

    They are locked in the order of their ids, so that two requests about the
    same pair, from either side, wait for each other instead of deadlocking.
    """
    if other_id == subject_id:
        raise Invalid.at("/other_subject", "same", "Name the person's other subject record")
    found: dict[UUID, Subject] = {}
    for one in sorted({subject_id, other_id or subject_id}):
        try:
            found[one] = enrolment.get_subject(session, caller, one, lock=True)
        except NotFound:
            raise Invalid.at("/other_subject", "unknown", "There is no such subject") from None
    first = Case(found[subject_id], _allocation(session, caller, subject_id, ""))
    if other_id is None:
        return [first]
    return [first, Case(found[other_id], _allocation(session, caller, other_id, "/other_subject"))]


def _allocation(
    session: Session, caller: Principal, subject_id: UUID, pointer: str
) -> Mapping[str, Any]:
    try:
        return randomization.read_allocation(session, caller, subject_id)
    except NotRandomized as refusal:
        fault = FieldError(pointer=pointer, code=refusal.code, detail=refusal.title())
        raise NothingToCorrect(errors=[fault]) from None


def _wrong_stratum(
    session: Session, protocol: Protocol, case: Case, stratum: Mapping[str, bool | str]
) -> Finding:
    """The correct stratum, which a later correction may mend in turn."""
    section = protocol.randomization
    _refuse(rules.wrong_levels(stratum, section, case.subject.site))
    code = stratum_of(stratum, section).code
    latest = session.exec(
        select(Correction.stratum)
        .where(
            Correction.subject_id == case.subject.id,
            Correction.kind == CorrectionKind.WRONG_STRATUM.value,
        )
        .order_by(col(Correction.id).desc())
        .limit(1)
    ).first()
    if code == (latest or case.allocation["stratum"]):
        raise SameStratum
    return (
        {"stratum": code},
        "Randomized in the wrong stratum; the correct one is recorded, and the allocation stands.",
    )


def _ineligible(protocol: Protocol, criteria: Sequence[str]) -> Finding:
    _refuse(rules.wrong_criteria(criteria, protocol.eligibility))
    return (
        {"criteria": list(criteria)},
        f"Randomized though ineligible ({', '.join(criteria)}); the subject stays in the trial.",
    )


_RETAINED: Mapping[bool, str] = {
    True: "The same person was randomized again under another number; this allocation counts.",
    False: "The same person was randomized under another number before; that allocation counts.",
}


def _duplicate(
    session: Session, protocol: Protocol, cases: Sequence[Case], reason: str
) -> list[Finding]:
    """A row for each subject; nothing in either tells the other's number, id or site."""
    one, other = (case.subject for case in cases)
    if _paired(session, one, other):
        raise AlreadyPaired
    if one.site != other.site and rules.tells(reason, _names(protocol, (one, other))):
        raise Invalid.at(
            "/reason",
            "names_subject",
            "Each site reads this reason: leave out both subjects' numbers, ids and sites",
        )
    drawn = [(case.allocation["randomized_at"], case.allocation["id"]) for case in cases]
    first, pair = rules.counts_before(*drawn), uuid4()
    return [
        ({"pair": pair, "retained": retained}, _RETAINED[retained])
        for retained in (first, not first)
    ]


def _paired(session: Session, one: Subject, other: Subject) -> bool:
    theirs = select(Correction.pair).where(Correction.subject_id == other.id)
    query = select(Correction.id).where(
        Correction.subject_id == one.id, col(Correction.pair).in_(theirs)
    )
    return session.exec(query.limit(1)).first() is not None


def _names(protocol: Protocol, subjects: Sequence[Subject]) -> set[str]:
    """What would tell one site of the other's subject; a number begins with the site's code."""
    sites = {subject.site for subject in subjects}
    of_sites = [(site.code, site.name, site.city) for site in protocol.sites if site.code in sites]
    return {str(subject.id) for subject in subjects} | {name for one in of_sites for name in one}


# --- reading ---------------------------------------------------------------------------

_CORRECTION = SQLModel.metadata.tables["randomization_correction"]
_ALLOCATION = SQLModel.metadata.tables["allocation"]
_OTHER = _CORRECTION.alias("other")


def _shown(caller: Principal) -> Select[Any]:
    """Corrections at the caller's sites, with the stratum used.

    The other subject of a pair is told only where it is at one of those sites
    too; PostgreSQL shows no more either.
    """
    other = and_(
        _OTHER.c.pair == _CORRECTION.c.pair,
        _OTHER.c.id != _CORRECTION.c.id,
        _OTHER.c.site.in_(caller.sites),
    )
    return (
        columns_of(
            _CORRECTION,
            _ALLOCATION.c.stratum.label("used"),
            _OTHER.c.subject_id.label("other_subject"),
        )
        .join(_ALLOCATION, _ALLOCATION.c.subject_id == _CORRECTION.c.subject_id)
        .outerjoin(_OTHER, other)
        .where(_CORRECTION.c.site.in_(caller.sites))
    )


def list_of_subject(
    session: Session, caller: Principal, subject_id: UUID, asked: PageQuery
) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """The errors recorded about the subject's randomization, oldest first.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    query = _shown(caller).where(_CORRECTION.c.subject_id == subject.id)
    rows, cursor = page(session, query, _CORRECTION.c.id, asked)
    return [row._asdict() for row in rows], cursor


def list_corrections(
    session: Session, caller: Principal, asked: CorrectionQuery
) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """The errors recorded at the caller's sites, oldest first."""
    query = _shown(caller)
    if asked.site is not None:
        query = query.where(_CORRECTION.c.site == asked.site)
    if asked.kind is not None:
        query = query.where(_CORRECTION.c.kind == asked.kind.value)
    rows, cursor = page(session, query, _CORRECTION.c.id, asked)
    remember_read(session)
    return [row._asdict() for row in rows], cursor
