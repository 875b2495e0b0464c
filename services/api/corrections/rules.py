"""What the record of an error in randomization has to say, and which of two allocations counts.

Nothing is undone: the error is documented, and the analysis knows of it.
Source: Yelland et al., Clinical Trials 2015, 12, 418-423 (PMC4509880).
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.api.core.errors import FieldError
from services.api.language.wording import Wording
from services.api.protocol.schema import Eligibility, Randomization
from services.api.randomization.rules import UnknownLevelError, level_of


class CorrectionKind(StrEnum):
    """What went wrong when the subject was randomized."""

    WRONG_STRATUM = "wrong_stratum"
    INELIGIBLE = "ineligible"
    DUPLICATE = "duplicate"


OWN: Mapping[CorrectionKind, str] = {
    CorrectionKind.WRONG_STRATUM: "stratum",
    CorrectionKind.INELIGIBLE: "criteria",
    CorrectionKind.DUPLICATE: "other_subject",
}
"""The field that each kind needs, and that no other kind has."""


def misplaced(kind: CorrectionKind, given: Mapping[str, object]) -> Iterator[FieldError]:
    """What is wrong with the fields given: the kind's own is missing, or another's is there."""
    for one, name in OWN.items():
        if one is kind and given.get(name) is None:
            yield _fault(
                f"/{name}",
                "missing",
                Wording("A correction of kind {kind} needs it", kind=kind.value),
            )
        elif one is not kind and name in given:
            yield _fault(
                f"/{name}",
                "not_of_kind",
                Wording("Leave it out: the kind is {kind}", kind=kind.value),
            )


def wrong_levels(
    stratum: Mapping[str, bool | str], section: Randomization, site: str
) -> Iterator[FieldError]:
    """What is wrong with a stratum: it needs a known level of each factor, and the subject's site.

    The site is not an error that can be made: it is that of the subject's number.
    """
    for factor in section.factors:
        pointer, value = f"/stratum/{factor.id}", stratum.get(factor.id)
        if value is None:
            yield _fault(pointer, "missing", "Give the value of every stratification factor")
            continue
        try:
            level_of(factor, value)
        except UnknownLevelError:
            yield _fault(pointer, "unknown", "None of the factor's values in the protocol")
            continue
        if factor.source == "site" and value != site:
            yield _fault(pointer, "other_site", "The site is the subject's own: it is never wrong")
    if stratum.keys() - {factor.id for factor in section.factors}:
        yield _fault("/stratum", "extra_forbidden", "The protocol has no such factor")


def wrong_criteria(criteria: Sequence[str], section: Eligibility) -> Iterator[FieldError]:
    """Every criterion that the protocol does not have, or that is named twice."""
    known = {criterion.id for criterion in section.criteria}
    for index, criterion in enumerate(criteria):
        if criterion not in known:
            yield _fault(f"/criteria/{index}", "unknown", "The protocol has no such criterion")
        elif criterion in criteria[:index]:
            yield _fault(f"/criteria/{index}", "repeated", "Name each criterion once")


def counts_before(one: tuple[datetime, UUID], other: tuple[datetime, UUID]) -> bool:
    """Whether of two allocations of the same person the one is retained: the first is.

    Each is its time and its id, which decides where the times are equal.
    """
    return one < other


def tells(text: str, names: Collection[str]) -> bool:
    """Whether a text holds one of the names, as a word or with digits behind it, in any case."""
    return any(
        re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z])", text, re.IGNORECASE)
        for name in names
    )


def _fault(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)
