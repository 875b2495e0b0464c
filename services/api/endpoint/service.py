"""The endpoint, derived from what other resources recorded; nothing is stored here."""

from uuid import UUID

from sqlmodel import Session

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.endpoint import rules
from services.api.enrolment import service as enrolment
from services.api.gradings import service as gradings
from services.api.protocol.schema import Protocol
from services.api.visits import service as visits


def endpoint(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, subject_id: UUID
) -> tuple[rules.Outcome, dict[UUID, int]]:
    """The subject's outcome as of today, and the version of each grading it was derived from.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    rows = gradings.gradings_of(session, subject)
    assessed = [
        rules.Assessed(row.id, row.assessed_on, row.assessed_at, row.grade, row.visit)
        for row in rows
    ]
    radiotherapy = visits.course(session, subject)
    if radiotherapy is None:
        return rules.NOTHING_YET, {}
    outcome = rules.endpoint(
        assessed,
        radiotherapy,
        visits=protocol.visits,
        grading=protocol.grading,
        rule=protocol.endpoint,
        today=clock.today(),
    )
    return outcome, {row.id: row.version for row in rows}
