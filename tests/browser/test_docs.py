"""The pages as people use them, in a real browser: sign in, randomize, read, on desk and phone."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Locator, expect

from services.api.sandbox.service import PASSWORD
from tests.browser.visiting import DESKTOP, PHONE, Visit
from tests.make import Api, ok, path


def opened(visit: Visit, tag: str, operation: str) -> Locator:
    """An operation that its own address opens, with its form to try it."""
    visit.page.goto(f"/docs#/{tag}/{operation}")
    block = visit.page.locator(f"#operations-{tag}-{operation}")
    block.locator(".try-out__btn").click()
    return block


def sign_in(visit: Visit, username: str, password: str) -> None:
    """Fill in the form that `Authorize` shows, which is left open."""
    form = visit.page.locator(".auth-container").first
    form.locator("#oauth_username").fill(username)
    form.locator("#oauth_password").fill(password)
    form.get_by_role("button", name="Authorize").or_(form.locator(".btn.authorize")).first.click()


def sign_in_as(visit: Visit, account: str) -> None:
    """Take an account that the sandbox offers."""
    visit.page.locator("details.accounts summary").click()
    visit.page.locator(f'[data-account="{account}"]').click()
    expect(visit.page.locator("#signed-in")).to_have_text(f"Signed in as {account}.")


def close_form(visit: Visit) -> None:
    """Close the form of `Authorize`."""
    visit.page.locator(".modal-ux-header .close-modal").click()


def parameter(block: Locator, name: str) -> Locator:
    """The field of a parameter."""
    return block.locator(f'tr[data-param-name="{name}"] input')


def executed(block: Locator) -> Locator:
    """The answer that is shown after `Execute`."""
    block.locator(".btn.execute").click()
    return block.locator(".live-responses-table .response").first


def test_an_investigator_signs_in_and_randomizes_in_the_page(api: Api, visit: Visit) -> None:
    subject = api.as_("investigator").eligible()
    block = opened(visit, "randomization", "randomize")
    visit.page.locator(".btn.authorize").first.click()
    sign_in(visit, "investigator-nn", "a wrong password")
    visit.expect_refusal(400, "Bad Request")
    expect(visit.page.locator(".auth-container .errors").first).to_contain_text(
        "Check user name, password and code"
    )
    sign_in(visit, "investigator-nn", PASSWORD)
    expect(visit.page.locator(".auth-container").first).to_contain_text("Authorized")
    close_form(visit)
    parameter(block, "subject_id").fill(subject["id"])
    answer = executed(block)
    expect(answer.locator(".response-col_status")).to_have_text(re.compile("^201"))
    allocation = ok(api.as_("investigator").get(path(subject, "randomization")))
    expect(answer).to_contain_text(f'"arm": "{allocation["arm"]}"')
    expect(answer).to_contain_text(allocation["randomization_number"])
    key = parameter(block, "Idempotency-Key").input_value()
    assert UUID(key).version == 4
    visit.expect_refusal(409, "Conflict")
    block.locator(".btn.execute").click()
    expect(answer).to_contain_text("already_randomized")
    assert parameter(block, "Idempotency-Key").input_value() != key, "a new call has a fresh key"


def test_an_own_key_is_kept_so_that_a_retry_can_be_tried(api: Api, visit: Visit) -> None:
    subject = api.as_("investigator").eligible()
    block = opened(visit, "randomization", "randomize")
    sign_in_as(visit, "his-nn")
    parameter(block, "subject_id").fill(subject["id"])
    parameter(block, "Idempotency-Key").fill("my-own-key")
    answer = executed(block)
    expect(answer).to_contain_text('"randomization_number"')
    assert "idempotency-replayed" not in answer.inner_text()
    block.locator(".btn.execute").click()
    expect(answer).to_contain_text("idempotency-replayed: true")
    assert parameter(block, "Idempotency-Key").input_value() == "my-own-key"


def test_an_assessor_sees_no_arm_in_the_page(api: Api, visit: Visit) -> None:
    subject = api.as_("investigator").randomized()
    block = opened(visit, "randomization", "read_randomization")
    sign_in_as(visit, "assessor-nn")
    parameter(block, "subject_id").fill(subject["id"])
    answer = executed(block)
    expect(answer).to_contain_text('"randomization_number"')
    shown = answer.locator(".response-col_description").inner_text()
    assert '"arm"' not in shown
    assert not re.search("experimental|control", shown.replace("cache-control", ""))


def test_a_change_sends_the_tag_that_the_page_saw_last(api: Api, visit: Visit) -> None:
    subject = api.as_("investigator").screened()
    reading = opened(visit, "enrolment", "read_subject")
    sign_in_as(visit, "coordinator-nn")
    parameter(reading, "subject_id").fill(subject["id"])
    expect(executed(reading)).to_contain_text(subject["number"])
    changing = visit.page.locator("#operations-enrolment-change_subject")
    changing.locator(".opblock-summary-control").click()
    changing.locator(".try-out__btn").click()
    parameter(changing, "subject_id").fill(subject["id"])
    changing.locator("textarea").fill('{"sex": "male", "reason": "Typing error"}')
    expect(executed(changing)).to_contain_text('"version": 2')
    held = parameter(changing, "If-Match").input_value()
    assert held.startswith('"1-')
    changing.locator("textarea").fill('{"sex": "female", "reason": "It was right"}')
    expect(executed(changing)).to_contain_text('"version": 3')
    assert parameter(changing, "If-Match").input_value() != held


def test_operations_are_found_by_any_word(unchanged: Api, visit: Visit) -> None:
    visit.page.goto("/docs")
    expect(visit.page.locator(".opblock-tag").first).to_be_visible()
    assert visit.page.locator(".opblock").count() == 0, "they begin folded away"
    visit.page.locator(".operation-filter-input").fill("Discontinuation")
    expect(visit.page.locator(".opblock-tag-section")).to_have_count(1)
    visit.page.locator(".operation-filter-input").fill("no such words")
    expect(visit.page.locator(".opblock-tag-section")).to_have_count(0)
    visit.page.locator(".operation-filter-input").fill("/lock")
    expect(visit.page.locator(".opblock")).to_have_count(4)
    expect(visit.page.locator(".opblock-tag-section")).to_have_count(1)


SEEN = [
    ("/docs", ".opblock-tag"),
    ("/docs#/enrolment/create_subject", ".responses-table"),
    ("/redoc", "h2"),
    ("/problems", "dt"),
    ("/problems/not_ready", "pre"),
]


@pytest.mark.parametrize(("address", "shown"), SEEN, ids=[address for address, _ in SEEN])
def test_a_page_fits_on_a_desk_and_on_a_phone(
    unchanged: Api, visit: Visit, address: str, shown: str
) -> None:
    visit.page.goto(address)
    expect(visit.page.locator(shown).first).to_be_visible()
    assert visit.overflow(DESKTOP) == 0
    assert visit.overflow(PHONE) == 0
    if address == "/redoc":
        for words in ("Enter a person into screening", "Get an access token"):
            expect(visit.page.get_by_role("heading", name=words)).to_have_count(1)


def test_a_problem_leads_to_the_operation_that_answers_it(unchanged: Api, visit: Visit) -> None:
    visit.page.goto("/problems")
    visit.page.get_by_role("link", name="already_randomized").click()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text(
        re.compile("The subject holds an allocation")
    )
    visit.page.get_by_role("link", name="POST /v1/subjects/{subject_id}/randomization").click()
    expect(visit.page.locator("#operations-randomization-randomize .try-out__btn")).to_be_visible()
