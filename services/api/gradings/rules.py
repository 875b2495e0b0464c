"""Grades derived from what was observed, beside the grade the assessor entered.

The entered grade is primary and is never overwritten. Source: protocol, grading.
"""

from collections.abc import Mapping
from datetime import date

from services.api.protocol.conditions import evaluate
from services.api.protocol.schema import Grading, Scale

PROTOCOL_SCALE = "protocol"

# The conditions of a scale compare components, none of which is a date.
NO_REFERENCE = date.min


def derive(components: Mapping[str, object], grading: Grading) -> dict[str, int | None]:
    """The grade on each of the protocol's scales that follows from the components.

    None where no grade's condition holds, or a missing component leaves open
    whether a grade further up the list holds.
    """
    return {scale.id: _grade(components, scale) for scale in grading.scales}


def mismatch(entered: int, derived: Mapping[str, int | None]) -> bool:
    """Whether the entered grade differs from the one derived on the same, the protocol's, scale.

    A grade that cannot be derived contradicts nothing. The other scales word
    their grades differently and are not compared.
    """
    expected = derived.get(PROTOCOL_SCALE)
    return expected is not None and expected != entered


def _grade(components: Mapping[str, object], scale: Scale) -> int | None:
    for candidate in scale.grades:
        holds = evaluate(candidate.when, components, NO_REFERENCE)
        if holds is not False:
            return candidate.grade if holds else None
    return None
