"""The document as it is published: the code's own, with examples, links and webhooks."""

from typing import Any

from services.api.contract.answers import share_answers
from services.api.contract.examples import add_examples
from services.api.contract.links import add_links
from services.api.contract.webhooks import add_webhooks
from services.api.core.described import tidy

Json = dict[str, Any]


def complete(document: Json) -> Json:
    """The document with all that the routes by themselves do not tell."""
    add_webhooks(document)
    tidy(document)
    add_links(document)
    add_examples(document)
    share_answers(document)
    return document
