"""What a report says in words."""

from services.api.case_reports.wording import narrative, reported_term, sender_comments
from tests.case_reports.cases import CASE, SUSAR, WORSE, case, version


def test_the_narrative_tells_each_occurrence_with_its_severity_and_dates() -> None:
    assert narrative(case(SUSAR, WORSE)) == (
        "Occurrence 1: Dysphagia. CTCAE v5.0 grade 3, from 2026-04-10, not ended.\n"
        "Admitted for tube feeding after two days without solid food.\n\n"
        "Occurrence 2: Dysphagia. CTCAE v5.0 grade 4, from 2026-04-13, not ended.\n"
        "The site gave no narrative."
    )


def test_a_term_that_needs_a_text_is_reported_with_it() -> None:
    assert reported_term(version(term="Other", term_detail="Trismus")) == "Other: Trismus"


def test_expectedness_stands_in_the_comments_for_no_element_has_it() -> None:
    assert sender_comments(CASE).endswith(
        "Occurrence 1: causality of the study drug unlikely related;"
        " unexpected by the reference safety information 2.0."
    )


def test_what_nobody_judged_is_said_to_be_unjudged_and_how_it_counts() -> None:
    text = sender_comments(case(SUSAR, WORSE))
    assert text.endswith(
        "Occurrence 2: causality of the study drug not assessed;"
        " expectedness not assessed, which counts as unexpected."
    )


def test_an_assessment_without_a_document_names_none() -> None:
    text = sender_comments(case(version(reference_version=None)))
    assert text.endswith("unlikely related; unexpected.")
