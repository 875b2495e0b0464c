"""Who recorded something is a role at a site."""

from tests.exports.fhir.conforming import faults
from tests.exports.fhir.conftest import Exported
from tests.exports.fhir.rows import ASSESSOR, INVESTIGATOR, NAMES, SUBJECT, people
from tests.lived import Lived


def test_everybody_is_told_of_once_and_nobody_who_recorded_nothing() -> None:
    those = people()
    assert those.reference(ASSESSOR) == {"reference": f"PractitionerRole/{ASSESSOR}"}
    assert those.references(ASSESSOR) == [those.reference(ASSESSOR)]
    told = list(those.waiting())
    assert [one["id"] for one in told] == [str(ASSESSOR)]
    assert told[0]["code"] == [NAMES.concept("role", "assessor")]
    assert told[0]["location"] == [{"reference": "Location/NN"}]
    assert faults(told[0]) == []
    those.reference(ASSESSOR)
    those.reference(INVESTIGATOR)
    assert [one["id"] for one in those.waiting()] == [str(INVESTIGATOR)]


def test_the_service_itself_is_nobody() -> None:
    assert people().reference(SUBJECT) is None
    assert people().references(SUBJECT) == []


def test_those_who_graded_and_reported_are_told_of(exported: Exported, lived: Lived) -> None:
    acted = lived.api.rows(
        "SELECT assessor FROM grading UNION SELECT recorded_by FROM adverse_event WHERE version = 1"
        " UNION SELECT recorded_by FROM adjudication WHERE grade IS NOT NULL"
    )
    assert exported.of("PractitionerRole").keys() == {str(account) for (account,) in acted}
