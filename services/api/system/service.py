"""The checks behind readiness: each is a way in which a running service would do harm."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlmodel import Session

from services.api import migrate
from services.api.core.errors import FieldError
from services.api.language.wording import Wording
from services.api.randomization import service as randomization
from services.api.randomization.secret import SecretFile, SecretUnusable
from services.api.randomization.service import SeedMismatch

_ROLE = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
_UNGUARDED = text(
    "SELECT c.relname FROM pg_class c"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'subject_id'"
    " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    " AND c.relname <> 'audit_event' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    " UNION SELECT relname FROM pg_class WHERE oid = 'public.subject'::regclass"
    " AND NOT (relrowsecurity AND relforcerowsecurity)"
)
_TELLING = text(
    "SELECT current_setting('log_parameter_max_length_on_error') <> '0'"
    " OR current_setting('log_parameter_max_length') <> '0'"
    " AND (current_setting('log_statement') IN ('mod', 'all')"
    " OR current_setting('log_min_duration_statement') <> '-1'"
    " OR current_setting('log_min_duration_sample') <> '-1')"
)
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def failures(session: Session, secret: SecretFile) -> list[FieldError]:
    """Every check that fails, each with what to do."""
    return [*_schema(session)] or [
        *_role(session),
        *_isolation(session),
        *_durability(session),
        *_statement_log(session),
        *_randomization(session, secret),
    ]


def _failure(code: str, detail: str) -> FieldError:
    return FieldError(pointer="", code=code, detail=detail)


def _schema(session: Session) -> Iterator[FieldError]:
    at, head = migrate.revision(session.connection()), migrate.head()
    if at != head:
        yield _failure(
            "schema_revision",
            Wording("The schema is at {at}, the code at {head}: migrate", at=at, head=head),
        )


def _role(session: Session) -> Iterator[FieldError]:
    if session.execute(_ROLE).scalar_one():
        yield _failure(
            "database_role", "The role is superuser or bypasses row-level security: use trial_app"
        )


def _isolation(session: Session) -> Iterator[FieldError]:
    for table in session.execute(_UNGUARDED).scalars():
        yield _failure(
            "row_level_security", Wording("{table} does not force row-level security", table=table)
        )


def _durability(session: Session) -> Iterator[FieldError]:
    for name in _DURABLE:
        value = session.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one()
        if value == "off":
            yield _failure(
                "durability",
                Wording("{name} is off: an acknowledged record could be lost", name=name),
            )


def _statement_log(session: Session) -> Iterator[FieldError]:
    if session.execute(_TELLING).scalar_one():
        yield _failure(
            "statement_log",
            "PostgreSQL logs statements with their parameters, also an arm that was not kept: set"
            " log_parameter_max_length and log_parameter_max_length_on_error of trial_app to 0",
        )


def _randomization(session: Session, secret: SecretFile) -> Iterator[FieldError]:
    known = randomization.published(session)
    if known is None:
        yield _failure("randomization_secret", "No list is published")
        return
    try:
        randomization.check(known, secret.opened())
    except SecretUnusable:
        yield _failure("randomization_secret", "The secret is absent or unusable: restore it")
    except SeedMismatch:
        yield _failure(
            "randomization_secret", "The secret makes another list than the published: restore it"
        )
