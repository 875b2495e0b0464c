"""Data queries, and every step of their conversations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from services.api.core.making import new_id
from services.api.core.records import OfSubject, of_subject
from services.api.queries.rules import QueryAction, QueryOrigin, RecordKind


def _one_of(column: str, values: type[RecordKind] | type[QueryOrigin] | type[QueryAction]) -> str:
    """A CHECK expression: the column holds one of the values."""
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


class DataQuery(OfSubject, table=True):
    """A question about recorded data: which subject, record and field; its row never changes.

    `record_id` is null where a subject has one record of the kind only, and
    `field` where the whole record is meant. `code` names what the service
    noticed; people's queries have none. `recorded_by` is the opener. `raised_at` is null
    in rows from before it was kept.
    """

    __tablename__ = "data_query"
    __table_args__ = (
        of_subject(),
        UniqueConstraint("site", "subject_id", "id"),
        CheckConstraint(_one_of("record", RecordKind), name="data_query_record_known"),
        CheckConstraint(_one_of("origin", QueryOrigin), name="data_query_origin_known"),
        CheckConstraint(
            "(origin = 'system') = (code IS NOT NULL)", name="data_query_code_of_system"
        ),
        Index("data_query_subject_index", "site", "subject_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    record: str
    record_id: str | None = None
    field: str | None = None
    origin: str
    code: str | None = None
    raised_at: datetime | None = None

    @property
    def raised(self) -> datetime:
        """When it was raised, in clinical time."""
        return self.raised_at or self.recorded_at


class QueryStep(OfSubject, table=True):
    """One step of a query's conversation; the highest `version` tells where it stands.

    `id` is the query's. `name` is the person's at that time; the service's own
    steps have neither name nor role.
    """

    __tablename__ = "data_query_step"
    __table_args__ = (
        of_subject(),
        ForeignKeyConstraint(
            ["site", "subject_id", "id"],
            ["data_query.site", "data_query.subject_id", "data_query.id"],
            name="data_query_step_of_query",
        ),
        CheckConstraint(_one_of("step", QueryAction), name="data_query_step_known"),
        CheckConstraint("(version = 1) = (step = 'raise')", name="data_query_step_raised_first"),
        CheckConstraint("version >= 1", name="data_query_step_version_from_one"),
        CheckConstraint("(role IS NULL) = (name IS NULL)", name="data_query_step_of_whom"),
    )

    id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    step: str
    text: str
    role: str | None = None
    name: str | None = None
