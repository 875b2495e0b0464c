"""The dictionary is the protocol's, and made ready once."""

from services.api.terms import service
from services.api.terms.schemas import TermQuery
from tests.first_trial import FIRST_TRIAL

PROTOCOL = FIRST_TRIAL.protocol


def test_pages_hold_every_term_once_in_the_dictionarys_order() -> None:
    seen: list[str] = []
    asked = TermQuery(limit=200)
    while True:
        rows, cursor = service.search(PROTOCOL, asked)
        seen += [row.meddra_code for row in rows]
        if cursor is None:
            break
        asked = TermQuery(limit=200, cursor=cursor)
    assert len(seen) == len(set(seen)) == 837


def test_the_dictionary_is_made_ready_once() -> None:
    service.search(PROTOCOL, TermQuery(q="nausea"))
    made = service._index.cache_info().misses
    service.search(PROTOCOL, TermQuery(q="pain"))
    assert service._index.cache_info().misses == made
