"""Telling of visits that nobody recorded in time, each once.

A visit becomes overdue as the days pass, or as radiotherapy moves its day:
`announce_overdue` looks at every subject once a day, `announce_overdue_of` at
one after their radiotherapy changed. Nothing else makes a visit overdue
before the next day.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from services.api.core.auth import Worker
from services.api.core.clock import Clock
from services.api.core.events import EventType, FeedEvent, announce
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.rules import SubjectStatus, failed_screening
from services.api.protocol.schema import Protocol
from services.api.visits import service as visits
from services.api.visits.models import OverdueSearch
from services.api.visits.rules import VisitStatus
from services.api.visits.service import OfSubject

SWEEP = 500
"""Subjects that one call looks at: so a transaction stays short however large the trial."""
LOCKED = 50
"""Subjects of whom one call tells: nobody waits long for the lock of one of them."""
FIRST = UUID(int=0)
"""Comes before every subject."""


def announce_overdue(session: Session, worker: Worker, clock: Clock, protocol: Protocol) -> int:
    """Announce visits that are overdue today, going on where the last call ended.

    Answers how many were announced. After every subject was looked at, further
    calls of that day read one row. The next call goes on with a subject
    whom somebody is changing.
    """
    search = _search(session, clock)
    if search is None:  # another worker is searching
        return 0
    if search.day != clock.today():
        search.day, search.after = clock.today(), FIRST
    if search.after is None:
        return 0
    batch = _subjects(session, worker, search.after)
    found = _untold(session, clock, protocol, batch)
    held = enrolment.lock_unclaimed(session, worker, list(found)[:LOCKED])
    told = _announce(session, clock, protocol, _reread(session, held))
    ids = [subject.id for subject in batch]
    passed = next((place for place, one in enumerate(ids) if one in found.keys() - held), len(ids))
    if passed == len(ids) < SWEEP:
        search.after = None
    elif passed:
        search.after = ids[passed - 1]
    session.add(search)
    session.flush()
    return told


def announce_overdue_of(
    session: Session, worker: Worker, clock: Clock, protocol: Protocol, subject_id: UUID
) -> int:
    """Announce one subject's visits that are overdue today; answers how many were.

    Raises:
        NotFound: no such subject at the worker's sites.
    """
    subject = enrolment.get_subject(session, worker, subject_id, lock=True)
    return _announce(session, clock, protocol, [subject])


def _search(session: Session, clock: Clock) -> OverdueSearch | None:
    """How far the search has come, locked; None while another one goes on."""
    start = insert(OverdueSearch).values(id=1, day=clock.today(), after=FIRST)
    session.connection().execute(start.on_conflict_do_nothing())
    return session.exec(select(OverdueSearch).with_for_update(skip_locked=True)).one_or_none()


def _subjects(session: Session, worker: Worker, after: UUID) -> Sequence[Subject]:
    query = select(Subject).where(col(Subject.site).in_(worker.sites), col(Subject.id) > after)
    return session.exec(query.order_by(col(Subject.id)).limit(SWEEP)).all()


def _reread(session: Session, locked: Collection[UUID]) -> Sequence[Subject]:
    """The subjects as they are under the lock: one of them may have left meanwhile."""
    query = select(Subject).where(col(Subject.id).in_(locked)).order_by(col(Subject.id))
    return session.exec(query.execution_options(populate_existing=True)).all()


def _untold(
    session: Session, clock: Clock, protocol: Protocol, subjects: Sequence[Subject]
) -> Mapping[UUID, list[OfSubject]]:
    """The overdue visits of each subject of which nothing was told; of nobody who failed screening.

    A visit that moves to another day may become overdue again.
    """
    asked = [
        subject
        for subject in subjects
        if not failed_screening(SubjectStatus(subject.status), subject.left_on)
    ]
    overdue = {
        _once(one): one
        for one in visits.of_subjects(session, clock, protocol, asked)
        if one.visit.status is VisitStatus.OVERDUE
    }
    query = select(FeedEvent.once).where(col(FeedEvent.once).in_(overdue))
    told = set(session.exec(query))
    found: dict[UUID, list[OfSubject]] = {}
    for once, one in overdue.items():
        if once not in told:
            found.setdefault(one.subject_id, []).append(one)
    return found


def _announce(session: Session, clock: Clock, protocol: Protocol, locked: Sequence[Subject]) -> int:
    """Look again under the subjects' locks, and tell."""
    found = _untold(session, clock, protocol, locked)
    return sum(
        announce(
            session,
            EventType.VISIT_OVERDUE,
            one.visit.code,
            site=one.site,
            subject_id=one.subject_id,
            once=_once(one),
        )
        for untold in found.values()
        for one in untold
    )


def _once(one: OfSubject) -> str:
    planned = one.visit.planned
    return (
        f"visit.overdue:{one.subject_id}:{one.visit.code}:{planned.planned_on if planned else ''}"
    )
