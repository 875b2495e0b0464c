"""What the figures of randomization count."""

from datetime import timedelta

import pytest

from tests.make import (
    WITHOUT_CHEMOTHERAPY,
    Api,
    Json,
    correction,
    created,
    ok,
    path,
    plan,
)

REPORT = "/v1/reports/randomization"


def figures(api: Api) -> Json:
    """Those that are not zero."""
    total = ok(api.as_("statistician").get(REPORT))["total"]
    return {name: count for name, count in total.items() if count}


def test_a_stratum_counts_as_wrong_only_while_its_last_correction_differs(api: Api) -> None:
    subject = api.as_("investigator").randomized()
    where = path(subject, "randomization", "corrections")
    for chemotherapy, expected in (
        (False, {"wrong_stratum": 1}),
        (True, {}),
        (False, {"wrong_stratum": 1}),
    ):
        stratum = {**WITHOUT_CHEMOTHERAPY, "concurrent_chemotherapy": chemotherapy}
        body = correction(api.today(), "wrong_stratum", stratum=stratum)
        created(api.as_("data_manager").post(where, body))
        assert figures(api) == {"randomized": 1, **expected}


def test_late_randomization_is_counted(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    body = plan(api.today() + timedelta(days=2), reason="Brought forward")
    ok(investigator.put(path(subject, "radiotherapy"), body))
    created(investigator.post(path(subject, "randomization")))
    assert figures(api) == {"randomized": 1, "late_randomization": 1}


def test_of_a_person_randomized_three_times_one_allocation_is_retained(api: Api) -> None:
    first, second, third = (api.as_("investigator").randomized()["id"] for _ in range(3))
    api.paired(first, second)
    api.paired(second, third)
    assert figures(api) == {"randomized": 3, "duplicate": 3, "duplicate_not_retained": 2}


def test_a_report_is_the_same_whatever_the_arms(api: Api) -> None:
    for _ in range(2):
        api.as_("investigator").randomized()
    before = api.as_("statistician").get(REPORT)
    api.rows("SET session_replication_role = replica; UPDATE allocation SET arm = 'x'")
    assert api.as_("statistician").get(REPORT).content == before.content


@pytest.mark.parametrize("arm", ["experimental", "control", "arm"])
def test_a_report_names_no_arm(api: Api, arm: str) -> None:
    api.as_("investigator").randomized()
    assert arm not in api.as_("statistician").get(REPORT).text
