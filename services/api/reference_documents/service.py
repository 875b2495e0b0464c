"""Reference safety information: the only user of its table."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import FieldError, Invalid, NotFound
from services.api.core.pagination import PageQuery, page
from services.api.protocol.schema import Protocol
from services.api.protocol.terms import Terms, load_terms
from services.api.reference_documents import rules
from services.api.reference_documents.models import ReferenceDocument
from services.api.reference_documents.rules import Expected
from services.api.reference_documents.schemas import ReferenceDocumentCreate


def list_documents(
    session: Session, asked: PageQuery
) -> tuple[Sequence[ReferenceDocument], str | None]:
    """Every version in the order of publication."""
    return page(session, select(ReferenceDocument), ReferenceDocument.id, asked)


def get_document(session: Session, version: str) -> ReferenceDocument:
    """The document of that version.

    Raises:
        NotFound: there is none.
    """
    query = select(ReferenceDocument).where(ReferenceDocument.version == version)
    found = session.exec(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def publish(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    given: ReferenceDocumentCreate,
) -> ReferenceDocument:
    """Publish a version, which never changes afterwards.

    Raises:
        VersionPublished: there is one of that version.
        Invalid: terms or grades that the dictionary does not have, or a term twice; or it takes
            effect in the past, for which another version decides.
    """
    dictionary = protocol.adverse_events.dictionary_version
    terms = load_terms(dictionary)
    entries = [entry.model_dump() for entry in given.expected]
    wrong = [
        FieldError(pointer=one.pointer, code=one.code, detail=one.detail)
        for one in (
            *rules.backdated(given.version, given.effective_on, clock.today(), _versions(session)),
            *rules.mistakes(_entries(entries), terms),
        )
    ]
    if wrong:
        raise Invalid(errors=wrong)
    row = ReferenceDocument(
        version=given.version,
        title=given.title,
        effective_on=given.effective_on,
        dictionary_version=dictionary,
        expected=[entry | {"term": _wording(terms, entry["term"])} for entry in entries],
        recorded_by=caller.id,
    )
    session.add(row)
    session.flush()
    return row


def _versions(session: Session) -> Sequence[str]:
    """What is published."""
    return session.exec(select(ReferenceDocument.version)).all()


def in_force(session: Session, day: date) -> ReferenceDocument | None:
    """The document that decides for an event that began on a local day, if there is any.

    Of several that take effect on one day, the one published last.
    """
    query = (
        select(ReferenceDocument)
        .where(ReferenceDocument.effective_on <= day)
        .order_by(col(ReferenceDocument.effective_on).desc(), col(ReferenceDocument.id).desc())
        .limit(1)
    )
    return session.exec(query).one_or_none()


def expects(document: ReferenceDocument, term: str, grade: int) -> bool:
    """Whether the document lists an event of that term at that grade or above."""
    return rules.lists(_entries(document.expected), term, grade)


def _wording(terms: Terms, name: str) -> str:
    found = terms.named(name)
    return found.term if found is not None else name


def _entries(stored: Iterable[dict[str, Any]]) -> list[Expected]:
    return [Expected(one["term"], one["max_grade"]) for one in stored]
