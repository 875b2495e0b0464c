"""What a report says in words: the narrative and the sponsor's comments. Pure text."""

from collections.abc import Iterable

from services.api.case_reports.codes import JUDGMENTS
from services.api.case_reports.rules import Case, Version

NO_EXPECTEDNESS = (
    "E2B(R3) has no element for expectedness; the sponsor's assessment of each occurrence:"
)


def reported_term(version: Version) -> str:
    """The term as the site reported it, with what it specified."""
    return version.term if version.term_detail is None else f"{version.term}: {version.term_detail}"


def narrative(case: Case) -> str:
    """The case in words: each occurrence with its severity, dates and the site's own text."""
    told = enumerate(case.told, start=1)
    return "\n\n".join(_occurrence(number, version) for number, version in told)


def _occurrence(number: int, version: Version) -> str:
    until = "not ended" if version.resolved_on is None else f"until {version.resolved_on}"
    heading = (
        f"Occurrence {number}: {reported_term(version)}."
        f" CTCAE v{version.ctcae_version} grade {version.grade},"
        f" from {version.onset_on}, {until}."
    )
    return "\n".join((heading, version.narrative or "The site gave no narrative."))


def sender_comments(case: Case) -> str:
    """The sponsor's judgment of each occurrence."""
    told = enumerate(case.told, start=1)
    return "\n".join((NO_EXPECTEDNESS, *_judgments(told)))


def _judgments(told: Iterable[tuple[int, Version]]) -> Iterable[str]:
    for number, version in told:
        judged = version.sponsor_causality
        cause = "not assessed" if judged is None else JUDGMENTS[judged].lower()
        if version.expectedness is None:
            counts = "expected" if version.expected else "unexpected"
            expected = f"expectedness not assessed, which counts as {counts}"
        elif version.reference_version is None:
            expected = version.expectedness
        else:
            expected = (
                f"{version.expectedness} by the reference safety information"
                f" {version.reference_version}"
            )
        yield f"Occurrence {number}: causality of the study drug {cause}; {expected}."
