"""Whether a study is one of ClinicalTrials.gov's API v2: models made from its OpenAPI document."""

import json
from collections.abc import Iterator

from clinicaltrials.models.study import Study
from pydantic import ValidationError

from tests.make import Json


def faults(study: Json) -> list[str]:
    """What the models refuse, or do not know and drop; nothing of a study that conforms."""
    try:
        parsed = Study.from_dict(study)
    except ValidationError as error:
        return [f"{one['loc']}: {one['msg']}" for one in error.errors()]
    assert parsed is not None
    return list(_dropped(study, json.loads(parsed.to_json()), ""))


def _dropped(given: object, kept: object, where: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            if name not in kept:
                yield f"{where}/{name}"
            else:
                yield from _dropped(value, kept[name], f"{where}/{name}")
    elif isinstance(given, list) and isinstance(kept, list):
        for index, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from _dropped(one, other, f"{where}/{index}")
    elif given != kept:
        yield where
