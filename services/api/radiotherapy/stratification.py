"""The stratification factors that are recorded with radiotherapy, as the protocol asks for them."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.api.core.errors import FieldError
from services.api.protocol.schema import Randomization


def factor_values(plan: Mapping[str, Any], section: Randomization) -> dict[str, Any]:
    """The value of each factor but the site, None where it is not recorded.

    `plan` holds the fields of one version of radiotherapy by their names.
    """
    recorded = plan["stratification"] or {}
    return {
        factor.id: plan[factor.id] if factor.source == "radiotherapy" else recorded.get(factor.id)
        for factor in section.factors
        if factor.source != "site"
    }


def wrong_factors(given: Mapping[str, bool | str], section: Randomization) -> Iterator[FieldError]:
    """What is wrong with recorded factors: each needs one of its levels, and no other is known."""
    for factor in section.recorded_factors:
        pointer = f"/stratification/{factor.id}"
        if factor.id not in given:
            yield _fault(pointer, "factor_missing", "Give the value of every recorded factor")
        elif factor.level(given[factor.id]) is None:
            yield _fault(pointer, "unknown_level", "None of the factor's values in the protocol")
    if given.keys() - {factor.id for factor in section.recorded_factors}:
        yield _fault("/stratification", "unknown_factor", "The protocol records no such factor")


def _fault(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)
