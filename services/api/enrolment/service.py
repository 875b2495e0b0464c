"""Subjects, consents, radiotherapy and deviations: the only user of their tables."""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, String, any_, bindparam, update
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel, col, select

from services.api.core.audit import remember_read
from services.api.core.auth import Caller, Principal
from services.api.core.clock import Clock
from services.api.core.db import because
from services.api.core.errors import Forbidden, Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.events import EventType, announce
from services.api.core.pagination import PageQuery, page
from services.api.enrolment.errors import (
    AfterLeaving,
    BeforeConsent,
    ConsentVersionNotApproved,
    MoveNotAllowed,
    NoConsent,
    SubjectClosed,
)
from services.api.enrolment.models import (
    Consent,
    ConsentWithdrawal,
    PersonDigest,
    Subject,
)
from services.api.enrolment.rules import LEFT, SubjectStatus, failed_screening, may_move
from services.api.enrolment.schemas import (
    ConsentCreate,
    SubjectCreate,
    SubjectPatch,
    SubjectQuery,
    WithdrawalCreate,
)
from services.api.language.wording import Wording
from services.api.protocol.schema import Protocol
from services.api.study import service as study
from services.api.study.models import Site

# --- subjects ------------------------------------------------------------------------


def screen(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    person_key: bytes,
    person: SubjectCreate,
) -> Subject:
    """Give a person a subject number and enter them into screening.

    Raises:
        Forbidden: the site is not one of the caller's.
        SiteNotActive, ProtocolNotApproved: the site has no approval of this protocol in force.
        DuplicateSubject: the national identifier is known in the trial.
        Invalid: the year of birth lies in the future.
    """
    if person.site not in caller.sites:
        raise Forbidden(
            Wording("You may enrol at {sites} only.", sites=caller.sites or ("no site",))
        )
    study.require_active(study.approvals(session, person.site, clock.today()), protocol)
    not_after(clock.today().year, person.year_of_birth, "/year_of_birth")
    if person.national_id is not None:
        digest = hmac.new(person_key, person.national_id.upper().encode(), hashlib.sha256).digest()
        session.add(PersonDigest(digest=digest))
        session.flush()
    subject = Subject(
        site=person.site,
        number=f"{person.site}-{_next_number(session, person.site):04d}",
        year_of_birth=person.year_of_birth,
        sex=person.sex.value,
        protocol_version=protocol.version,
        recorded_by=caller.id,
        created_at=clock.now(),
    )
    session.add(subject)
    session.flush()
    _tell_status(session, subject)
    return subject


_TOLD: Mapping[str, EventType] = {
    # Told of an eligible subject again whose new facts need a new signature.
    SubjectStatus.SCREENING: EventType.SUBJECT_SCREENED,
    **{
        status: EventType(f"subject.{status}")
        for status in SubjectStatus
        if status is not SubjectStatus.SCREENING
    },
}


def _tell_status(session: Session, subject: Subject) -> None:
    """Announce the status that a locked or new subject has now."""
    kind = _TOLD[subject.status]
    announce(session, kind, subject.id, site=subject.site, subject_id=subject.id)


def _next_number(session: Session, site: str) -> int:
    """The site's next subject number, without gaps: the row is locked until commit."""
    counted = (
        update(Site)
        .where(col(Site.code) == site)
        .values(subjects=Site.subjects + 1)
        .returning(col(Site.subjects))
    )
    return int(session.execute(counted).scalar_one())


_SUBJECT = select(Subject).where(
    Subject.id == bindparam("subject_id"),
    col(Subject.site) == any_(bindparam("sites", type_=ARRAY(String))),
)
_LOCKED = _SUBJECT.with_for_update()


def get_subject(
    session: Session, caller: Caller, subject_id: UUID, *, lock: bool = False
) -> Subject:
    """A subject of the caller's sites; with `lock` nobody else changes it until commit.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    given = {"subject_id": subject_id, "sites": list(caller.sites)}
    found = session.execute(_LOCKED if lock else _SUBJECT, given)
    subject: Subject | None = found.scalars().one_or_none()
    if subject is None:
        raise NotFound
    remember_read(session, subject.site, subject.id)
    return subject


def lock_unclaimed(
    session: Session,
    caller: Caller,
    subject_ids: Collection[UUID] | Select[Any],
    at_most: int | None = None,
) -> set[UUID]:
    """Lock those of the subjects that nobody else holds, or so many of them; answers which.

    For a sweep over many: it waits for nobody, and finds the others next time.
    """
    query = select(Subject.id).where(
        col(Subject.id).in_(subject_ids), col(Subject.site).in_(caller.sites)
    )
    return set(session.exec(query.limit(at_most).with_for_update(skip_locked=True)))


_TABLE = SQLModel.metadata.tables["subject"]
_READ = columns_of(_TABLE).where(
    _TABLE.c.id == bindparam("subject_id"),
    _TABLE.c.site == any_(bindparam("sites", type_=ARRAY(String))),
)


def read_subject(session: Session, caller: Principal, subject_id: UUID) -> Mapping[str, Any]:
    """The columns of a subject of the caller's sites: the hottest read, so without the ORM.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    given = {"subject_id": subject_id, "sites": list(caller.sites)}
    row = session.connection().execute(_READ, given).one_or_none()
    if row is None:
        raise NotFound
    remember_read(session, row.site, row.id)
    return row._asdict()


def list_subjects(
    session: Session, caller: Principal, asked: SubjectQuery
) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """Subjects of the caller's sites in the order of their enrolment."""
    query = columns_of(_TABLE).where(_TABLE.c.site.in_(caller.sites))
    filters = {"site": asked.site, "status": asked.status, "number": asked.number}
    query = query.filter_by(**{name: value for name, value in filters.items() if value is not None})
    rows, cursor = page(session, query, Subject.id, asked)
    remember_read(session)
    return [row._asdict() for row in rows], cursor


def change_subject(
    session: Session,
    caller: Principal,
    clock: Clock,
    subject_id: UUID,
    expected: int,
    patch: SubjectPatch,
) -> Subject:
    """Correct a subject, or set a status that a person may set.

    Raises:
        NotFound, StaleVersion, MoveNotAllowed.
        Invalid: the year of birth lies in the future.
    """
    subject = get_subject(session, caller, subject_id, lock=True)
    check_version(expected, subject.version)
    because(session, patch.reason)
    if patch.year_of_birth is not None:
        not_after(clock.today().year, patch.year_of_birth, "/year_of_birth")
    corrections = {name: value for name, value in patch.changes().items() if name != "status"}
    for name, value in corrections.items():
        setattr(subject, name, value)
    if patch.status is not None:
        move(session, subject, SubjectStatus(patch.status.value), on=clock.today())
    elif corrections:
        subject.version += 1
    session.flush()
    return subject


def move(
    session: Session, subject: Subject, to: SubjectStatus, *, on: date, consented: bool = False
) -> None:
    """Change the status of a locked subject, who is known to have `consented` or is looked up.

    `on` is the local day of the change. Of whoever leaves the study the
    earliest such day is kept: a death after the withdrawal of consent does not
    move it. Who failed screening was never in the study, and has none.

    Raises:
        MoveNotAllowed: the move is not in the table of moves.
    """
    consented = consented or bool(consents(session, subject))
    if not may_move(SubjectStatus(subject.status), to, consented):
        raise MoveNotAllowed(
            Wording(
                "A subject in {status} does not become {to}.", status=subject.status, to=to.value
            )
        )
    if to in LEFT and not _failed(subject):
        subject.left_on = min(on, subject.left_on or on)
    if to is SubjectStatus.DIED:
        subject.died_on = on
    subject.status = to.value
    subject.version += 1
    session.flush()
    _tell_status(session, subject)


def leave(session: Session, subject: Subject, to: SubjectStatus, *, on: date) -> None:
    """Let a locked subject leave the study on a local day, or give the day on which they left.

    Of a subject who left the study and died since, the death stays.

    Raises:
        MoveNotAllowed: the subject is in a state from which nobody leaves that way.
    """
    if subject.status not in (to, SubjectStatus.DIED):
        move(session, subject, to, on=on)
    set_left_on(session, subject, on, died=to is SubjectStatus.DIED)


def set_left_on(session: Session, subject: Subject, day: date, *, died: bool = False) -> None:
    """Correct the day on which a locked subject left the study, or `died`, which is leaving too."""
    died_on = day if died else subject.died_on
    if (subject.left_on, subject.died_on) != (day, died_on):
        subject.left_on, subject.died_on = day, died_on
        subject.version += 1
        session.flush()


def deaths(session: Session, subjects: Collection[UUID]) -> dict[UUID, date]:
    """The local day of death of each of the subjects who died, where it is known."""
    died = columns_of(_TABLE.c.id, _TABLE.c.died_on).where(
        _TABLE.c.id.in_(subjects), _TABLE.c.died_on.is_not(None)
    )
    return {row.id: row.died_on for row in session.connection().execute(died)}


def not_after(today: Any, given: Any, pointer: str) -> None:
    """Refuse what lies in the future.

    Raises:
        Invalid: it does.
    """
    if given is not None and given > today:
        raise Invalid.at(pointer, "future", "This cannot lie in the future")


def require_open(subject: Subject) -> None:
    """Refuse new data about a subject who failed screening or withdrew.

    Raises:
        SubjectClosed: they did.
    """
    require_not_failed(subject)
    if subject.status == SubjectStatus.WITHDRAWN:
        raise SubjectClosed


# --- consents ------------------------------------------------------------------------


def consents(session: Session, subject: Subject) -> Sequence[Consent]:
    """The subject's consents, oldest first."""
    query = select(Consent).where(Consent.subject_id == subject.id).order_by(col(Consent.id))
    return session.exec(query).all()


def require_consented(session: Session, subject: Subject) -> Sequence[Consent]:
    """The subject's consents, of which there has to be one, be it withdrawn later.

    Raises:
        NoConsent: the subject never signed one.
    """
    signed = consents(session, subject)
    if not signed:
        raise NoConsent
    return signed


def require_observed(session: Session, subject: Subject, day: date | None) -> None:
    """Refuse what cannot have been observed in the subject for the trial on a local day.

    What was observed from the first consent until the subject left the study
    may be entered and corrected at any time. Without a day, as for a visit that
    did not take place, only the subject's states count.

    Raises:
        SubjectClosed: the subject failed screening.
        NoConsent: the subject never signed a consent.
        BeforeConsent: the day lies before the first signed consent.
        AfterLeaving: the day lies after the one on which the subject left.
    """
    require_not_failed(subject)
    signed = require_consented(session, subject)
    if day is None:
        return
    if day < min(consent.signed_on for consent in signed):
        raise BeforeConsent
    require_not_left(subject, day)


def require_not_failed(subject: Subject) -> None:
    """Refuse new data about a subject who failed screening, whatever happened to them since.

    Raises:
        SubjectClosed: they did.
    """
    if _failed(subject):
        raise SubjectClosed


def _failed(subject: Subject) -> bool:
    return failed_screening(SubjectStatus(subject.status), subject.left_on)


def require_not_left(subject: Subject, day: date | None) -> None:
    """Refuse a day after the subject left the study.

    Raises:
        AfterLeaving: it is one.
    """
    if day is not None and subject.left_on is not None and day > subject.left_on:
        raise AfterLeaving


def withdrawals(session: Session, subject: Subject) -> dict[UUID, ConsentWithdrawal]:
    """The withdrawals of the subject's consents, by consent."""
    query = select(ConsentWithdrawal).where(ConsentWithdrawal.subject_id == subject.id)
    return {row.consent_id: row for row in session.exec(query).all()}


_WITHDRAWN = select(ConsentWithdrawal.consent_id).where(ConsentWithdrawal.consent_id == Consent.id)
_IN_FORCE = (
    select(Consent)
    .where(Consent.subject_id == bindparam("subject_id"), ~_WITHDRAWN.exists())
    .order_by(col(Consent.signed_on).desc(), col(Consent.id).desc())
    .limit(1)
)


def consent_in_force(session: Session, subject: Subject) -> Consent | None:
    """The consent signed last of those that are not withdrawn."""
    return session.execute(_IN_FORCE, {"subject_id": subject.id}).scalars().first()


def list_consents(
    session: Session, caller: Principal, subject_id: UUID, asked: PageQuery
) -> tuple[Sequence[Consent], dict[UUID, ConsentWithdrawal], str | None]:
    """The subject's consents, oldest first, and their withdrawals.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    subject = get_subject(session, caller, subject_id)
    rows, cursor = page(
        session, select(Consent).where(Consent.subject_id == subject.id), Consent.id, asked
    )
    return rows, withdrawals(session, subject), cursor


def record_consent(
    session: Session, caller: Principal, clock: Clock, subject_id: UUID, signed: ConsentCreate
) -> Consent:
    """Record a signed consent.

    Raises:
        NotFound, SubjectClosed, AlreadyConsented.
        AfterLeaving: signed after the subject left the study.
        ConsentVersionNotApproved: not approved at the site by the day it was signed.
        Invalid: signed in the future.
    """
    subject = get_subject(session, caller, subject_id, lock=True)
    require_open(subject)
    not_after(clock.today(), signed.signed_on, "/signed_on")
    require_not_left(subject, signed.signed_on)
    if not study.approved_consent(session, subject.site, signed.version, signed.signed_on):
        raise ConsentVersionNotApproved
    consent = Consent(
        site=subject.site, subject_id=subject.id, recorded_by=caller.id, **signed.model_dump()
    )
    session.add(consent)
    session.flush()
    return consent


def withdraw_consent(
    session: Session,
    caller: Principal,
    clock: Clock,
    subject_id: UUID,
    consent_id: UUID,
    withdrawal: WithdrawalCreate,
) -> tuple[Consent, ConsentWithdrawal]:
    """Record that the subject withdrew consent; they leave the trial, their data stays.

    Of a subject who left before, the earlier of the days counts; a death stays.

    Raises:
        NotFound, AlreadyWithdrawn.
        AfterLeaving: withdrawn after the subject died.
        Invalid: withdrawn before it was signed, or in the future.
    """
    subject = get_subject(session, caller, subject_id, lock=True)
    consent = session.get(Consent, consent_id)
    if consent is None or consent.subject_id != subject.id:
        raise NotFound
    not_after(clock.today(), withdrawal.withdrawn_on, "/withdrawn_on")
    if withdrawal.withdrawn_on < consent.signed_on:
        raise Invalid.at("/withdrawn_on", "before_consent", "Not before it was signed")
    if subject.status == SubjectStatus.DIED:
        require_not_left(subject, withdrawal.withdrawn_on)
    because(session, withdrawal.reason)
    row = ConsentWithdrawal(
        consent_id=consent.id,
        site=subject.site,
        subject_id=subject.id,
        recorded_by=caller.id,
        **withdrawal.model_dump(),
    )
    session.add(row)
    session.flush()
    if subject.status not in (SubjectStatus.WITHDRAWN, SubjectStatus.DIED):
        move(session, subject, SubjectStatus.WITHDRAWN, on=withdrawal.withdrawn_on)
    elif subject.left_on is not None:
        set_left_on(session, subject, min(subject.left_on, withdrawal.withdrawn_on))
    return consent, row
