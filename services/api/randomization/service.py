"""Allocation, and the committed list it draws from: the only user of their tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, column, func, table, update
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel, col, select

from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import FieldError, NotFound
from services.api.core.pagination import page
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
from services.api.randomization import merkle, rules
from services.api.randomization.errors import (
    AlreadyRandomized,
    ListUnavailable,
    NotRandomized,
    NotReady,
    RecruitmentComplete,
)
from services.api.randomization.models import Allocation, Commitment, Slot, Stratum, TrialTotal
from services.api.randomization.schemas import RandomizationQuery
from services.api.signatures.rules import Meaning
from services.api.study import service as study
from services.api.study.errors import SiteNotActive
from services.api.study.models import SiteActivation


class SeedMismatch(Exception):
    """The seed at hand makes another list than the published one."""


# --- the list ------------------------------------------------------------------------


def publish(session: Session, protocol: Protocol, seed: bytes) -> None:
    """Commit to the whole list: the strata, a leaf hash per slot, and their Merkle root.

    Does nothing when it was done before.

    Raises:
        SeedMismatch: a list was published, and the seed makes another.
    """
    section = protocol.randomization
    leaves = rules.leaves(seed, section)
    root = merkle.tree_head(leaves)
    published = session.get(Commitment, 1)
    if published is not None:
        if published.root != root:
            raise SeedMismatch(
                "TRIAL_RANDOMIZATION_SEED_FILE: this seed makes another list than the published one"
            )
        return
    strata = rules.strata(section)
    for stratum in strata:
        session.add(
            Stratum(code=stratum.code, site=_site(stratum, section), levels=dict(stratum.levels))
        )
    session.flush()
    places = ((stratum.code, seq) for stratum in strata for seq in _sequence(section))
    session.add_all(
        Slot(stratum=code, seq=seq, leaf=leaf)
        for (code, seq), leaf in zip(places, leaves, strict=True)
    )
    session.add(TrialTotal(cap=section.cap))
    session.add(
        Commitment(
            root=root,
            algorithm=rules.ALGORITHM,
            slots=len(leaves),
            protocol_version=protocol.version,
        )
    )
    session.flush()


def _sequence(section: Randomization) -> range:
    return range(1, section.slots_per_stratum + 1)


def _site(stratum: rules.Stratum, section: Randomization) -> str:
    factor = next(factor for factor in section.factors if factor.source == "site")
    return str(stratum.levels[factor.id])


def commitment(session: Session) -> Commitment:
    """What was published of the list.

    Raises:
        NotFound: no site is active yet, so the list is not public.
    """
    active = session.exec(select(SiteActivation.id).limit(1)).first()
    published = session.get(Commitment, 1)
    if active is None or published is None:
        raise NotFound
    return published


def seed_matches(session: Session, section: Randomization, seed: bytes) -> bool:
    """Whether the seed makes the published list."""
    published = session.get(Commitment, 1)
    return published is not None and published.root == rules.root(seed, section)


# --- allocation -----------------------------------------------------------------------


def randomize(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    seed: bytes,
    subject_id: UUID,
) -> Allocation:
    """Give the subject the next slot of their stratum.

    The transaction holds the subject's and then the stratum's lock until
    commit, so two requests never draw the same slot, and consent, eligibility
    and radiotherapy cannot change in between. Source: protocol, randomization.

    Raises:
        NotFound: no such subject at the caller's sites.
        AlreadyRandomized: an allocation exists; it is never redrawn.
        NotReady: preconditions are missing; names each.
        RecruitmentComplete: the trial's cap is reached.
        ListUnavailable: the seed does not make the committed list.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    if _allocation(session, subject) is not None:
        raise AlreadyRandomized
    radiotherapy = radiotherapies.current(session, subject)
    evaluation = eligibility.current(session, clock, protocol, subject)
    missing = [
        *_without_standing(session, clock, protocol, subject),
        *_without_eligibility(session, protocol, subject, evaluation),
        *_without_plan(radiotherapy),
    ]
    if missing or evaluation is None or radiotherapy is None:
        raise NotReady(errors=missing)
    stratum = _lock_stratum(session, protocol.randomization, subject, radiotherapy)
    seq, arm = _draw(session, protocol.randomization, seed, stratum)
    allocation = Allocation(
        site=subject.site,
        subject_id=subject.id,
        recorded_by=caller.id,
        stratum=stratum.code,
        seq=seq,
        arm=arm,
        randomization_number=f"{stratum.code}-{seq:03d}",
        randomized_at=clock.now(),
        evaluation_version=evaluation.row.version,
        protocol_version=protocol.version,
    )
    session.add(allocation)
    session.flush()
    enrolment.move(session, subject, SubjectStatus.RANDOMIZED)
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
    return allocation


def _missing(code: str, detail: str) -> FieldError:
    return FieldError(pointer="", code=code, detail=detail)


def _without_standing(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject
) -> Iterator[FieldError]:
    """What site, status and consent lack."""
    try:
        study.require_active(session, subject.site, protocol, clock.today())
    except SiteNotActive as refusal:
        yield _missing(refusal.code, refusal.detail)
    if enrolment.consent_in_force(session, subject) is None:
        yield _missing("no_consent", "No consent is in force: record the signed consent")
    if subject.status not in (SubjectStatus.ELIGIBLE, SubjectStatus.SCREENING):
        yield _missing("status", f"The subject is {subject.status}, not eligible")


def _without_eligibility(
    session: Session,
    protocol: Protocol,
    subject: Subject,
    recorded: eligibility.Recorded | None,
) -> Iterator[FieldError]:
    """What the evaluation and its signature lack."""
    if recorded is None:
        yield _missing("eligibility_missing", "No eligibility facts are recorded")
        return
    if recorded.today.stale_facts:
        stale = ", ".join(recorded.today.stale_facts)
        yield _missing("eligibility_stale", f"Older than the screening window: {stale}")
    elif recorded.today.overall != "eligible":
        yield _missing("not_eligible", f"The evaluation is {recorded.today.overall}")
    if not eligibility.age_fits(session, protocol, subject, recorded.row.facts):
        yield _missing(
            "age_disagrees", "The age at consent does not fit the year of birth: correct either"
        )
    signature = recorded.signature
    if signature is None or signature.meaning != Meaning.ELIGIBLE:
        yield _missing(
            "eligibility_not_signed", "An investigator has not signed the current evaluation"
        )


def _without_plan(radiotherapy: Radiotherapy | None) -> Iterator[FieldError]:
    """What the radiotherapy plan lacks."""
    if radiotherapy is None:
        yield _missing("no_radiotherapy_plan", "Record the radiotherapy plan")
    elif radiotherapy.first_fraction_on is not None:
        yield _missing(
            "radiotherapy_started", "The first fraction is delivered; it is too late to randomize"
        )


def _lock_stratum(
    session: Session, section: Randomization, subject: Subject, radiotherapy: Radiotherapy
) -> rules.Stratum:
    """The subject's stratum, locked so that its slots are drawn one after the other."""
    recorded: dict[str, bool | str] = {
        factor.id: subject.site if factor.source == "site" else getattr(radiotherapy, factor.id)
        for factor in section.factors
    }
    stratum = rules.stratum_of(recorded, section)
    query = select(Stratum.code).where(Stratum.code == stratum.code)
    session.exec(query.with_for_update(key_share=True)).one()
    return stratum


def _draw(
    session: Session, section: Randomization, seed: bytes, stratum: rules.Stratum
) -> tuple[int, str]:
    """The next slot of a locked stratum and its arm, checked against the committed list."""
    last = session.exec(
        select(func.max(Allocation.seq)).where(Allocation.stratum == stratum.code)
    ).one()
    seq = (last or 0) + 1
    slot = session.get(Slot, (stratum.code, seq))
    if slot is None or not _count_one(session):
        raise RecruitmentComplete
    arm = rules.arm_at(seed, section, stratum, seq)
    salt = rules.salt(seed, stratum.code, seq)
    if rules.leaf(stratum.code, seq, arm, salt, rules.arm_codes(section)) != slot.leaf:
        raise ListUnavailable
    return seq, arm


def _count_one(session: Session) -> bool:
    """Count one more allocation, unless the trial is full."""
    counted = (
        update(TrialTotal)
        .where(col(TrialTotal.allocated) < TrialTotal.cap)
        .values(allocated=TrialTotal.allocated + 1)
        .returning(col(TrialTotal.allocated))
    )
    return session.execute(counted).scalar_one_or_none() is not None


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
    query = select(Allocation).where(Allocation.subject_id == subject.id)
    return session.exec(query).one_or_none()


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
    return {row.code: row.levels for row in session.exec(select(Stratum)).all()}
