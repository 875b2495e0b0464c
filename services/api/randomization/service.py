"""Allocation, and the committed list it draws from: the only user of their tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import (
    DateTime,
    FromClause,
    and_,
    bindparam,
    case,
    column,
    insert,
    table,
    update,
)
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel, col, select

from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import NotFound
from services.api.core.pagination import PageQuery, page
from services.api.core.permissions import SEES_ARM
from services.api.deviations import service as deviations
from services.api.deviations.schemas import DeviationCode
from services.api.eligibility import service as eligibility
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.rules import SubjectStatus
from services.api.protocol.schema import Protocol, Randomization
from services.api.radiotherapy import service as radiotherapies
from services.api.radiotherapy.models import Radiotherapy
from services.api.radiotherapy.stratification import factor_values
from services.api.randomization import preconditions, rules
from services.api.randomization.errors import (
    AlreadyRandomized,
    ListAbsent,
    ListUnavailable,
    NotRandomized,
    NotReady,
    RecruitmentComplete,
)
from services.api.randomization.models import Allocation, Commitment, Slot, Stratum, TrialTotal
from services.api.randomization.schemas import RandomizationQuery
from services.api.randomization.secret import Opened, SecretFile, SecretUnusable
from services.api.study.models import SiteActivation

log = structlog.get_logger()

SKEW = timedelta(seconds=5)
"""How far the clocks of two workers may be apart."""


class SeedMismatch(Exception):
    """The secret at hand makes another list than the published one."""


class DesignChanged(Exception):
    """The protocol asks for another list or cap than the published one."""


# --- the list ------------------------------------------------------------------------


def published(session: Session) -> Commitment | None:
    """The commitment, whether it is public yet or not."""
    return session.get(Commitment, 1)


def publish(session: Session, protocol: Protocol, opened: Opened) -> None:
    """Commit to the whole list: the strata, a leaf hash per slot, and their Merkle root.

    Does nothing when it was done before.

    Raises:
        SeedMismatch: a list was published, and the secret makes another.
    """
    whole = opened.list
    known = published(session)
    if known is not None:
        check(known, opened)
        return
    section = protocol.randomization
    for stratum in rules.strata(section):
        site = _site(stratum, section)
        session.add(Stratum(code=stratum.code, site=site, levels=dict(stratum.levels)))
    session.flush()
    places = product(whole.design.strata, range(1, whole.design.slots_per_stratum + 1))
    session.execute(
        insert(Slot),
        [
            {"stratum": code, "seq": seq, "leaf": leaf}
            for (code, seq), leaf in zip(places, whole.leaves, strict=True)
        ],
    )
    session.add(TrialTotal(cap=section.cap))
    session.add(
        Commitment(
            root=whole.root,
            algorithm=rules.ALGORITHM,
            slots=len(whole.leaves),
            design=whole.design.document(),
            contributions=opened.commitments,
            protocol_version=protocol.version,
        )
    )
    session.flush()


def check_design(session: Session, section: Randomization) -> None:
    """Refuse a protocol whose list or cap is not the published one, if one is published.

    Raises:
        DesignChanged: they differ.
    """
    known, total = published(session), session.get(TrialTotal, 1)
    if known is None or total is None:
        return
    if (known.design, total.cap) != (rules.Design.of(section).document(), section.cap):
        raise DesignChanged(
            "the protocol's arms, strata, slots or cap are not those of the published randomization"
            " list: serve a document that leaves them as they are"
        )


def check(known: Commitment, opened: Opened) -> None:
    """Refuse a secret that makes another list than the published one.

    Raises:
        SeedMismatch: the roots differ.
    """
    if known.root != opened.list.root:
        raise SeedMismatch(
            "the randomization secret makes another list than the published one:"
            f" its root is {opened.list.root.hex()}, published is {known.root.hex()}"
        )


def _site(stratum: rules.Stratum, section: Randomization) -> str | None:
    """The site whose subjects alone the stratum takes; None when it takes those of every site."""
    found = (stratum.levels[factor.id] for factor in section.factors if factor.source == "site")
    site = next(found, None)
    return None if site is None else str(site)


def commitment(session: Session) -> Commitment:
    """What was published of the list.

    Raises:
        NotFound: no site is active yet, so the list is not public.
    """
    active = session.exec(select(SiteActivation.id).limit(1)).first()
    known = published(session)
    if active is None or known is None:
        raise NotFound
    return known


# --- allocation -----------------------------------------------------------------------


def randomize(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    secret: SecretFile,
    subject_id: UUID,
) -> tuple[Allocation, rules.Stratum]:
    """Give the subject the next slot of their stratum.

    The transaction holds the subject's and then the stratum's lock until
    commit, so two requests never draw the same slot, and consent, eligibility
    and radiotherapy cannot change in between. Source: protocol, randomization.

    Raises:
        NotFound: no such subject at the caller's sites.
        AlreadyRandomized: an allocation exists; it is never redrawn.
        NotReady: preconditions are missing; names each.
        RecruitmentComplete: the trial's cap is reached.
        ListAbsent, ListUnavailable: the secret does not make the committed list.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    if _allocation(session, subject) is not None:
        raise AlreadyRandomized
    radiotherapy = radiotherapies.current(session, subject)
    evaluation = eligibility.current(session, clock, protocol, subject)
    missing = preconditions.missing(session, clock, protocol, subject, evaluation, radiotherapy)
    if missing or evaluation is None or radiotherapy is None:
        raise NotReady(errors=missing)
    stratum = _stratum(protocol.randomization, subject, radiotherapy)
    seq, arm, drawn_at = _draw(session, secret, stratum, clock.now())
    allocation = Allocation(
        site=subject.site,
        subject_id=subject.id,
        recorded_by=caller.id,
        stratum=stratum.code,
        seq=seq,
        arm=arm,
        randomization_number=f"{stratum.code}-{seq:03d}",
        randomized_at=drawn_at,
        evaluation_version=evaluation.row.version,
        protocol_version=protocol.version,
    )
    session.add(allocation)
    session.flush()
    enrolment.move(session, subject, SubjectStatus.RANDOMIZED, on=clock.today(), consented=True)
    lead = (radiotherapy.planned_start - clock.today()).days
    if lead < protocol.treatment.starts_days_before_rt:
        deviations.note(
            session,
            caller,
            subject,
            DeviationCode.LATE_RANDOMIZATION,
            f"Randomized {lead} days before the planned start of radiotherapy;"
            f" the protocol asks for {protocol.treatment.starts_days_before_rt}.",
            clock.today(),
        )
    return allocation, stratum


# Statements are built once: building one costs more than asking it.
_OF_SUBJECT = select(Allocation).where(Allocation.subject_id == bindparam("subject_id"))
_NOW = bindparam("now", type_=DateTime(timezone=True))
_LATEST = bindparam("latest", type_=DateTime(timezone=True))
_DRAWN = (
    update(Stratum)
    .where(col(Stratum.code) == bindparam("stratum"))
    .values(
        drawn=Stratum.drawn + 1,
        # Workers' clocks differ by moments, and times keep the order of the slots; a clock that is
        # further off than that stays visible.
        drawn_at=case(
            (col(Stratum.drawn_at).between(_NOW, _LATEST), col(Stratum.drawn_at)), else_=_NOW
        ),
    )
    .returning(col(Stratum.code), col(Stratum.drawn), col(Stratum.drawn_at))
    .cte("drawn")
)
_NEXT = columns_of(_DRAWN.c.drawn, _DRAWN.c.drawn_at, col(Slot.leaf)).outerjoin(
    Slot, and_(col(Slot.stratum) == _DRAWN.c.code, col(Slot.seq) == _DRAWN.c.drawn)
)
_COUNT = (
    update(TrialTotal)
    .where(col(TrialTotal.allocated) < TrialTotal.cap)
    .values(allocated=TrialTotal.allocated + 1)
    .returning(col(TrialTotal.allocated))
    .execution_options(synchronize_session=False)
)


def _stratum(section: Randomization, subject: Subject, radiotherapy: Radiotherapy) -> rules.Stratum:
    sites = {factor.id: subject.site for factor in section.factors if factor.source == "site"}
    return rules.stratum_of({**factor_values(radiotherapy.model_dump(), section), **sites}, section)


def _draw(
    session: Session, secret: SecretFile, stratum: rules.Stratum, now: datetime
) -> tuple[int, str, datetime]:
    """The stratum's next slot, its arm and the time of the draw, checked against the list.

    Counting it locks the stratum until the transaction ends, so its slots are
    drawn one after the other; what is rolled back was not drawn.
    """
    whole = _opened(secret).list
    given = {"stratum": stratum.code, "now": now, "latest": now + SKEW}
    seq, drawn_at, leaf = session.execute(_NEXT, given).one()
    if leaf is None or not _count_one(session):
        raise RecruitmentComplete
    if whole.leaf(stratum.code, seq) != leaf:
        raise ListUnavailable
    return seq, whole.arm(stratum.code, seq), drawn_at


def _opened(secret: SecretFile) -> Opened:
    try:
        return secret.opened()
    except SecretUnusable as fault:
        log.warning("nothing is allocated", reason=str(fault))
        raise ListAbsent from None


def _count_one(session: Session) -> bool:
    """Count one more allocation, unless the trial is full."""
    return session.execute(_COUNT).scalar_one_or_none() is not None


# --- proofs ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """An allocation, and what leads from it to the published root."""

    allocation: Allocation
    salt: bytes
    leaf_index: int
    path: tuple[bytes, ...]
    root: bytes


def proof(session: Session, caller: Principal, secret: SecretFile, subject_id: UUID) -> Proof:
    """What shows that the subject's allocation is the committed list's.

    Raises:
        NotFound: no such subject at the caller's sites.
        NotRandomized: the subject has no allocation.
        ListAbsent, ListUnavailable: the secret does not make the committed list.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    allocation = _allocation(session, subject)
    if allocation is None:
        raise NotRandomized
    return _proof(_committed(session, secret), allocation)


def list_proofs(
    session: Session, caller: Principal, secret: SecretFile, asked: PageQuery
) -> tuple[list[Proof], str | None]:
    """The proofs of all allocations so far at the caller's sites, oldest first.

    Raises:
        ListAbsent, ListUnavailable: the secret does not make the committed list.
    """
    whole = _committed(session, secret)
    query = select(Allocation).where(col(Allocation.site).in_(caller.sites))
    rows, cursor = page(session, query, Allocation.id, asked)
    remember_read(session)
    return [_proof(whole, row) for row in rows], cursor


def _committed(session: Session, secret: SecretFile) -> rules.AllocationList:
    """The list, if it is the published one."""
    opened, known = _opened(secret), published(session)
    if known is None or known.root != opened.list.root:
        raise ListUnavailable
    return opened.list


def _proof(whole: rules.AllocationList, allocation: Allocation) -> Proof:
    slot = (allocation.stratum, allocation.seq)
    return Proof(
        allocation=allocation,
        salt=whole.salt(*slot),
        leaf_index=whole.design.index(*slot),
        path=whole.path(*slot),
        root=whole.root,
    )


# --- reading ---------------------------------------------------------------------------

_ALLOCATION = SQLModel.metadata.tables["allocation"]
_ARM = {"arm", "seq", "prev_seq"}
"""What tells an arm, or helps to guess it: the view has all the other columns."""
_BLINDED = table(
    "blinded_allocation",
    *(column(one.name, one.type) for one in _ALLOCATION.c if one.name not in _ARM),
)


def _shown_to(caller: Principal) -> FromClause:
    """What the caller's role may know of allocations; PostgreSQL shows an assessor no more."""
    return _ALLOCATION if caller.role in SEES_ARM else _BLINDED


def _allocation(session: Session, subject: Subject) -> Allocation | None:
    return session.execute(_OF_SUBJECT, {"subject_id": subject.id}).scalars().one_or_none()


def read_allocation(session: Session, caller: Principal, subject_id: UUID) -> Mapping[str, Any]:
    """The subject's allocation; for those who grade without the arm, without it.

    Raises:
        NotFound: no such subject at the caller's sites.
        NotRandomized: the subject has none.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    shown = _shown_to(caller)
    query = columns_of(shown).where(shown.c.subject_id == subject.id)
    row = session.connection().execute(query).one_or_none()
    if row is None:
        raise NotRandomized
    return row._asdict()


def list_allocations(
    session: Session, caller: Principal, asked: RandomizationQuery
) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """Allocations at the caller's sites, oldest first; without the arm as above."""
    shown = _shown_to(caller)
    query = columns_of(shown).where(shown.c.site.in_(caller.sites))
    if asked.site is not None:
        query = query.where(shown.c.site == asked.site)
    rows, cursor = page(session, query, shown.c.id, asked)
    remember_read(session)
    return [row._asdict() for row in rows], cursor


def levels(session: Session) -> dict[str, dict[str, bool | str]]:
    """The factor values of each stratum, by its code."""
    found = session.exec(select(Stratum.code, Stratum.levels)).all()
    return {code: dict(values) for code, values in found}
