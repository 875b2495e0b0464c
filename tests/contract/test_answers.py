"""What many operations answer alike is said once, and nothing is lost by it."""

import copy
from typing import Any

from services.api.contract.answers import OFTEN, answer_of, share_answers
from services.api.core.errors import Forbidden, NotFound, problem_response

Json = dict[str, Any]


def document(**refused: Json) -> Json:
    """A document of operations that refuse with 404 in those words."""
    return {
        "paths": {
            f"/{name}": {"get": {"operationId": name, "responses": {"404": copy.deepcopy(answer)}}}
            for name, answer in refused.items()
        },
        "components": {"schemas": {}},
    }


def test_a_problem_of_many_operations_stands_among_the_components() -> None:
    told = problem_response([NotFound])
    made = document(**{f"act{number}": told for number in range(OFTEN)})
    share_answers(made)
    assert made["components"]["responses"] == {"NotFound": told}
    for path in made["paths"].values():
        answer = path["get"]["responses"]["404"]
        assert answer == {"$ref": "#/components/responses/NotFound"}
        assert answer_of(made, answer) == told


def test_a_problem_of_few_operations_stays_with_them() -> None:
    made = document(act=problem_response([NotFound]), other=problem_response([Forbidden]))
    before = copy.deepcopy(made["paths"])
    share_answers(made)
    assert made["paths"] == before
    assert made["components"]["responses"] == {}


def test_the_same_codes_in_other_words_are_not_the_same() -> None:
    told = problem_response([NotFound])
    other = {**told, "headers": {"Retry-After": {"description": "Seconds.", "schema": {}}}}
    names = {f"act{number}": told for number in range(OFTEN)}
    names |= {f"other{number}": other for number in range(OFTEN)}
    made = document(**names)
    share_answers(made)
    for name, expected in names.items():
        found = answer_of(made, made["paths"][f"/{name}"]["get"]["responses"]["404"])
        assert found == expected
