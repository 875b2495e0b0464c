"""The document is made once, however often it is asked for."""

import json

from services.api.documentation.description import Description


def test_the_document_is_made_once_for_all_who_read_it() -> None:
    made = []

    def describe() -> dict[str, object]:
        made.append("once")
        return {"openapi": "3.1.0", "paths": {}, "info": {"title": "ä"}}

    description = Description(describe)
    assert made == []
    assert json.loads(description.served.body)["info"]["title"] == "ä"
    assert description.served.body is description.served.body
    assert description.answering is description.answering
    assert len(made) == 2  # once for the bytes, once for the problems
