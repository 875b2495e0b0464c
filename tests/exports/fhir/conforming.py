"""Whether a resource is one of FHIR R5: HL7's models, and what they leave to be checked by hand."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fhir.resources import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from tests.make import Json

LONGER: Mapping[tuple[str, str], frozenset[str]] = {
    ("Observation", "status"): frozenset(
        {
            "registered",
            "specimen-in-process",
            "preliminary",
            "final",
            "amended",
            "corrected",
            "appended",
            "cancelled",
            "entered-in-error",
            "unknown",
            "cannot-be-obtained",
        }
    ),
}
"""Required value sets that the models cut short. Source: R5, observation-status."""

OPEN = {("CapabilityStatement", "format")}
"""What the models take for a list of codes: it takes any media type."""


def faults(resource: Json) -> list[str]:
    """What is wrong with a resource; nothing of one that conforms."""
    model = get_fhir_model_class(resource["resourceType"])
    try:
        parsed = model.model_validate_json(json.dumps(resource))
    except ValidationError as error:
        return [f"{resource['resourceType']} {one['loc']}: {one['msg']}" for one in error.errors()]
    return [*_bindings(parsed), *_lost(resource, parsed)]


def _bindings(part: BaseModel) -> Iterator[str]:
    """Codes outside a required value set, and references to what cannot be referred to."""
    kind = type(part).__name__
    for name, field in type(part).model_fields.items():
        value, told = getattr(part, name), field.json_schema_extra
        if value is None:
            continue
        many = value if isinstance(value, list) else [value]
        if isinstance(told, dict):
            shorter = told.get("enum_values")
            allowed = LONGER.get((kind, name), shorter if isinstance(shorter, list) else None)
            if allowed and (kind, name) not in OPEN:
                yield from (f"{kind}.{name}: {one}" for one in many if one not in allowed)
            targets = told.get("enum_reference_types")
            if isinstance(targets, list) and "Resource" not in targets:
                yield from (
                    f"{kind}.{name} refers to {one.reference}"
                    for one in many
                    if getattr(one, "reference", None)
                    and isinstance(one.reference, str)
                    and one.reference.partition("/")[0] not in targets
                )
        for one in many:
            if isinstance(one, BaseModel):
                yield from _bindings(one)


def _lost(resource: Json, parsed: Any) -> Iterator[str]:
    again = json.loads(parsed.model_dump_json())
    if again != resource:
        yield f"{resource['resourceType']}: {again} is not {resource}"
