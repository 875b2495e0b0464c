"""The dictionary of adverse event terms, searched in memory."""

from collections.abc import Sequence
from functools import cache

from services.api.core.pagination import part
from services.api.protocol.schema import Protocol
from services.api.protocol.terms import Term, load_terms
from services.api.terms.rules import Index
from services.api.terms.schemas import TermQuery


@cache
def _index(version: str) -> Index:
    return Index(load_terms(version))


def search(protocol: Protocol, asked: TermQuery) -> tuple[Sequence[Term], str | None]:
    """A page of the protocol's terms: all of them, or those that were asked for.

    Raises:
        BadCursor: it is not of a list of these terms.
    """
    index = _index(protocol.adverse_events.dictionary_version)
    found = index.terms if asked.q is None else index.search(asked.q)
    return part(found, lambda term: term.meddra_code, asked)
