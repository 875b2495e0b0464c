"""The items that the protocol's own document makes."""

from services.api.exports.odm.items import criterion_items, fact_items
from services.api.protocol.load import load
from services.api.settings import Settings

PROTOCOL = load(Settings().protocol_document).protocol


def test_every_fact_and_criterion_of_the_protocol_is_an_item() -> None:
    facts = {item.name for item in fact_items(PROTOCOL)}
    criteria = {item.name for item in criterion_items(PROTOCOL)}
    assert {fact.id for fact in PROTOCOL.eligibility.facts} <= facts
    assert {one.id for one in PROTOCOL.eligibility.criteria} <= criteria
