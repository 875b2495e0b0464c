"""What happened, for others to hear: told in the transaction that caused it, or not at all.

A transaction that is rolled back tells nothing, and one that commits is never
forgotten: the event is a row beside the change itself. `events/` shows them in
order, `webhooks/` delivers them. An event is thin: what kind, which record,
whose; never a clinical value, never an arm.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Identity, Index, String, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel

from services.api.core.making import new_id, recorded_now
from services.api.core.permissions import Role


class EventType(StrEnum):
    """What other systems care about; the part before the point names the record."""

    SUBJECT_SCREENED = "subject.screened"
    SUBJECT_SCREEN_FAILED = "subject.screen_failed"
    SUBJECT_ELIGIBLE = "subject.eligible"
    SUBJECT_RANDOMIZED = "subject.randomized"
    SUBJECT_ON_TREATMENT = "subject.on_treatment"
    SUBJECT_IN_FOLLOW_UP = "subject.in_follow_up"
    SUBJECT_COMPLETED = "subject.completed"
    SUBJECT_WITHDRAWN = "subject.withdrawn"
    SUBJECT_LOST_TO_FOLLOW_UP = "subject.lost_to_follow_up"
    SUBJECT_DIED = "subject.died"
    RADIOTHERAPY_RECORDED = "radiotherapy.recorded"
    VISIT_RECORDED = "visit.recorded"
    VISIT_OVERDUE = "visit.overdue"
    GRADING_RECORDED = "grading.recorded"
    GRADING_CORRECTED = "grading.corrected"
    ADJUDICATION_OPENED = "adjudication.opened"
    ADJUDICATION_DECIDED = "adjudication.decided"
    ENDPOINT_REACHED = "endpoint.reached"
    ENDPOINT_REVISED = "endpoint.revised"
    ADVERSE_EVENT_REPORTED = "adverse_event.reported"
    ADVERSE_EVENT_UPDATED = "adverse_event.updated"
    ADVERSE_EVENT_UPGRADED = "adverse_event.upgraded"
    ADVERSE_EVENT_NULLIFIED = "adverse_event.nullified"
    SUBMISSION_RECORDED = "submission.recorded"
    SUBMISSION_CORRECTED = "submission.corrected"
    DEADLINE_OPENED = "deadline.opened"
    DEADLINE_NEAR = "deadline.near"
    DEADLINE_MISSED = "deadline.missed"
    DEADLINE_MET = "deadline.met"
    DEADLINE_CHANGED = "deadline.changed"
    QUERY_OPENED = "query.opened"
    STOPPING_RULE_REACHED = "stopping_rule.reached"


class FeedEvent(SQLModel, table=True):
    """One event; `seq` counts as they are told, `position` as they are published.

    Events about one subject are told under the subject's lock, so their `seq`
    is the order of their commits. `once` names what is told a single time.
    `audience` are the roles that may hear of it; None is everyone who reads
    events at the site.
    """

    __tablename__ = "feed_event"
    __table_args__ = (
        CheckConstraint("subject_id IS NULL OR site IS NOT NULL", name="feed_event_at_its_site"),
        Index("feed_event_id_index", "id", unique=True),
        Index("feed_event_once_index", "once", unique=True),
        Index("feed_event_position_index", "position", unique=True),
        Index("feed_event_site_index", "site", "position"),
        Index("feed_event_type_index", "site", "type", "position"),
        Index("feed_event_unpublished_index", "seq", postgresql_where=text("position IS NULL")),
    )

    seq: int | None = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(always=True),)
    )
    id: UUID
    position: int | None = Field(default=None, sa_type=BigInteger)
    type: str
    at: datetime
    site: str | None = None
    subject_id: UUID | None = None
    record: str
    record_id: str
    once: str | None = None
    audience: list[str] | None = Field(default=None, sa_type=ARRAY(String))


_TABLE = SQLModel.metadata.tables["feed_event"]


def announce(
    session: Session,
    kind: EventType,
    record_id: UUID | str,
    *,
    record: str | None = None,
    site: str | None = None,
    subject_id: UUID | None = None,
    once: str | None = None,
    audience: Iterable[Role] | None = None,
) -> bool:
    """Tell an event when the session's transaction commits; whether it was news.

    `record` and `record_id` name what it is about; the record is the type's
    own where none is given. Of events with the same `once` only the first is
    told. Whoever tells of a subject holds the subject's lock.
    """
    row = {
        "id": new_id(),
        "type": kind.value,
        "at": recorded_now(),
        "site": site,
        "subject_id": subject_id,
        "record": record or kind.value.partition(".")[0],
        "record_id": str(record_id),
        "once": once,
        "audience": None if audience is None else sorted(audience),
    }
    # Without RETURNING, and naming no arbiter: whoever tells need not be one who may read it.
    statement = insert(_TABLE).values(row).inline().execution_options(preserve_rowcount=True)
    if once is not None:
        statement = statement.on_conflict_do_nothing()
    return session.connection().execute(statement).rowcount == 1
