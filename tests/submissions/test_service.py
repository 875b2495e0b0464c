"""What is kept of submissions, whoever records them at the same time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.deadlines.cases import announced, rows_of, sending, submitted, suspected
from tests.make import Api, lock, ok, path


def test_of_two_initial_reports_at_once_one_is_kept(api: Api) -> None:
    event = suspected(api)
    here = f"/v1/adverse-events/{event['id']}/submissions"
    officer = api.as_("safety_officer")
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(officer.post, here, sending(api)) for _ in range(4)]
        codes = Counter(one.result().status_code for one in answers)
    assert codes == {201: 1, 409: 3}
    assert (api.count("safety_submission"), announced(api, "deadline.met")) == (
        1,
        ["deadline.met"],
    )


def test_a_submission_is_one_transaction_with_the_deadline_it_meets(api: Api) -> None:
    event = suspected(api)
    sent = submitted(api, event)
    changes = api.audit({"id": event["subject_id"]})[-2:]
    assert [one.record for one in changes] == ["safety_submission", "safety_deadline"]
    assert len({one.transaction for one in changes}) == 1
    assert [str(row.met_by) for row in rows_of(api, event)].count(sent["id"]) == 1


def test_a_locked_record_may_still_be_reported(api: Api) -> None:
    event = suspected(api)
    subject = {"id": event["subject_id"]}
    for state in ("frozen", "locked"):
        ok(api.as_("data_manager").put(path(subject, "lock"), lock(state)))
    submitted(api, event)
