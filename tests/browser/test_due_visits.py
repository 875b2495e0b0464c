"""The example of a front-end as people use it: a page of another origin, in a real browser."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Locator, Request, Response, Route, expect

from services.api.sandbox.service import PASSWORD
from tests.browser.conftest import PATIENCE
from tests.browser.visiting import DESKTOP, PHONE, Visit
from tests.conftest import Served
from tests.make import Api, Json, ok, path

NODE = Path(sys.executable).with_name("node")
EXAMPLE = Path(__file__).parents[2] / "examples" / "due-visits"
ANSWERS = {
    "mucosal_appearance": "erythema",
    "ulceration": "false",
    "analgesic": "none",
    "diet": "solid",
    "grade": "1",
}


class Files(SimpleHTTPRequestHandler):
    """The page's files, served in silence."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def origin(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page as it is made for the service under test, on an origin of its own."""
    place = tmp_path_factory.mktemp("due-visits")
    subprocess.run(
        [NODE, EXAMPLE / "build.js", "--out", place],
        env={**os.environ, "TRIAL_API": served.address},
        check=True,
        timeout=60,
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(place))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def visiting(browser: Browser, origin: str, served: Served, language: str) -> Iterator[Visit]:
    """A visit to the page; what it did amiss is told after."""
    context = browser.new_context(
        base_url=origin,
        locale=language,
        viewport={"width": DESKTOP[0], "height": DESKTOP[1]},
    )
    context.set_default_timeout(PATIENCE)
    made = Visit(context.new_page(), origin)
    try:
        yield made
        assert {url for url in made.elsewhere if not url.startswith(served.address)} == set()
        assert made.complaints == made.foreseen
        assert made.page.evaluate("localStorage.length + sessionStorage.length") == 0
    finally:
        context.close()


@pytest.fixture
def chinese(browser: Browser, origin: str, served: Served) -> Iterator[Visit]:
    """Whose browser prefers Chinese."""
    with visiting(browser, origin, served, "zh-CN") as made:
        yield made


@pytest.fixture
def english(browser: Browser, origin: str, served: Served) -> Iterator[Visit]:
    """Whose browser prefers English."""
    with visiting(browser, origin, served, "en-GB") as made:
        yield made


@pytest.fixture
def subject(api: Api) -> Json:
    """Somebody whose radiotherapy began yesterday, so that the first visit of it is due."""
    made = api.as_("investigator").in_radiotherapy()
    api.move_to(api.today() + timedelta(days=1))
    return made


def sign_in(visit: Visit, username: str) -> None:
    """Open the page and fill in its first form."""
    visit.page.goto("/")
    visit.page.locator("[name=username]").fill(username)
    visit.page.locator("[name=password]").fill(PASSWORD)
    visit.page.locator(".sign-in button").click()


def opened(visit: Visit, subject: Json) -> Locator:
    """The form of the subject's first visit of radiotherapy."""
    visit.page.locator(f"#open-{subject['number']}-RT1A").click()
    return visit.page.locator("dialog.record")


def fill(form: Locator, api: Api, pain: int = 2) -> None:
    """Enter a whole grading of yesterday."""
    form.locator("[name=date]").fill(str(api.today() - timedelta(days=1)))
    form.locator("[name=assessed_at]").fill("09:30")
    form.locator("[name=pain_score]").fill(str(pain))
    for name, value in ANSWERS.items():
        form.locator(f"[name={name}][value='{value}']").check()


def filled(visit: Visit, api: Api, subject: Json) -> Locator:
    """The form with a whole grading that an assessor entered and has not saved."""
    sign_in(visit, "assessor-nn")
    form = opened(visit, subject)
    fill(form, api)
    return form


def lose(visit: Visit, pattern: str, method: str, times: int) -> list[Request]:
    """Let the service do what it is asked, and lose its answers so many times; what was asked."""
    asked: list[Request] = []

    def pass_on(route: Route) -> None:
        if route.request.method != method:
            route.continue_()
            return
        asked.append(route.request)
        if len(asked) <= times:
            route.fetch()
            visit.foreseen.append("Failed to load resource: net::ERR_FAILED")
            route.abort()
        else:
            route.continue_()

    visit.page.route(pattern, pass_on)
    return asked


def token_answers(visit: Visit) -> list[Response]:
    """The tokens that the page is given from now on."""
    answers: list[Response] = []

    def keep(answer: Response) -> None:
        if answer.url.endswith("/v1/oauth/token"):
            answers.append(answer)

    visit.page.on("response", keep)
    return answers


def end_session(visit: Visit, answers: list[Response], served: Served) -> None:
    """End the session somewhere else; the page hears so with the next thing that it asks."""
    token = json.loads(answers[-1].text())["refresh_token"]
    httpx.post(f"{served.address}/v1/oauth/revoke", data={"token": token}).raise_for_status()
    visit.page.wait_for_timeout(1_100)  # until every process knows
    visit.expect_refusal(401, "Unauthorized")
    visit.expect_refusal(400, "Bad Request")


def gradings(api: Api, subject: Json) -> list[tuple[object, ...]]:
    """What PostgreSQL has of the subject's gradings."""
    columns = "grade, mucosal_appearance, ulceration, pain_score, analgesic, diet"
    statement = f"SELECT visit, {columns} FROM grading WHERE subject_id = :subject"
    return [tuple(row) for row in api.rows(statement, subject=subject["id"])]


STORED = [("RT1A", 1, "erythema", False, 2, "none", "solid")]


def test_an_assessor_grades_a_due_visit_in_chinese(api: Api, subject: Json, chinese: Visit) -> None:
    sign_in(chinese, "assessor-nn")
    row = chinese.page.get_by_role("row").filter(has_text="RT1A")
    expect(row).to_contain_text("放疗周，第一次评估")
    expect(row).to_contain_text("待访视")
    assert chinese.overflow(PHONE) <= 0
    assert chinese.overflow(DESKTOP) <= 0

    form = opened(chinese, subject)
    fill(form, api, pain=22)
    chinese.expect_refusal(422, "Unprocessable Entity")
    form.get_by_role("button", name="保存").click()
    pain = form.locator("[name=pain_score]")
    expect(pain).to_have_accessible_description("应小于或等于10")
    expect(pain).to_have_attribute("aria-invalid", "true")
    expect(pain).to_be_focused()
    assert gradings(api, subject) == []

    pain.fill("2")
    form.get_by_role("button", name="保存").click()
    expect(chinese.page.get_by_role("status")).to_contain_text("已保存")
    expect(form).to_have_count(0)
    expect(row).to_have_count(0)
    assert gradings(api, subject) == STORED


def test_what_is_left_out_is_said_before_anything_is_stored(
    api: Api, subject: Json, english: Visit
) -> None:
    sign_in(english, "assessor-nn")
    form = opened(english, subject)
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".error:not(:empty)")).to_have_count(8)
    expect(form.locator("[name=date]")).to_be_focused()
    assert ok(api.as_("assessor").get(path(subject, "visits", "RT1A")))["version"] == 0


def test_a_grading_whose_answers_were_lost_is_stored_once(
    api: Api, subject: Json, english: Visit
) -> None:
    form = filled(english, api, subject)
    asked = lose(english, "**/gradings", "POST", 3)
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("press Save again")
    form.get_by_role("button", name="Save").click()
    expect(english.page.get_by_role("status")).to_contain_text("Saved")
    assert len(asked) == 4
    assert len({one.headers["idempotency-key"] for one in asked}) == 1
    assert gradings(api, subject) == STORED


def test_a_day_whose_answers_were_lost_is_ones_own(api: Api, subject: Json, english: Visit) -> None:
    form = filled(english, api, subject)
    lose(english, "**/visits/RT1A", "PUT", 3)
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("press Save again")
    english.expect_refusal(412, "Precondition Failed")
    form.get_by_role("button", name="Save").click()
    expect(english.page.get_by_role("status")).to_contain_text("Saved")
    assert ok(api.as_("assessor").get(path(subject, "visits", "RT1A")))["version"] == 1
    assert gradings(api, subject) == STORED


def test_a_day_that_somebody_else_recorded_after_a_lost_press_is_theirs(
    api: Api, subject: Json, english: Visit
) -> None:
    form = filled(english, api, subject)
    lose(english, "**/visits/RT1A", "PUT", 3)
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("press Save again")
    missed = {"missed_reason": "Did not come", "reason": "Misread"}
    ok(api.as_("coordinator").put(path(subject, "visits", "RT1A"), missed, version=1))
    english.expect_refusal(412, "Precondition Failed")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("Missed, Did not come")
    assert gradings(api, subject) == []


@pytest.mark.parametrize(
    ("status", "phrase", "code"),
    [
        (502, "Bad Gateway", None),
        (504, "Gateway Timeout", None),
        (503, "Service Unavailable", "outcome_unknown"),
        (200, "OK", None),
    ],
)
def test_a_grading_that_may_be_stored_is_not_said_to_be_missing(
    api: Api, subject: Json, english: Visit, status: int, phrase: str, code: str | None
) -> None:
    def answer_instead(route: Route) -> None:
        stored = route.fetch()
        kind = "text/html" if code is None else "application/problem+json"
        body = "" if code is None else json.dumps({"type": f"/problems/{code}", "title": phrase})
        route.fulfill(
            response=stored,
            status=status,
            body=body,
            headers={**stored.headers, "content-type": kind},
        )

    form = filled(english, api, subject)
    english.page.route("**/gradings", answer_instead)
    for _ in range(3 if status >= 500 else 0):
        english.expect_refusal(status, phrase)
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("Whether it was stored is not known")
    expect(form.get_by_role("alert")).not_to_contain_text("the grading is not yet")
    english.page.unroute("**/gradings")
    form.get_by_role("button", name="Save").click()
    expect(english.page.get_by_role("status")).to_contain_text("Saved")
    assert gradings(api, subject) == STORED


def test_what_somebody_else_recorded_meanwhile_is_shown_and_not_overwritten(
    api: Api, subject: Json, english: Visit
) -> None:
    form = filled(english, api, subject)
    visit = path(subject, "visits", "RT1A")
    ok(api.as_("coordinator").put(visit, {"missed_reason": "Did not come"}))
    english.expect_refusal(412, "Precondition Failed")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("Missed, Did not come")
    expect(form.locator("[name=pain_score]")).to_have_value("2")

    form.get_by_label("Why the recorded day changes").fill("Came in the afternoon")
    form.get_by_role("button", name="Save").click()
    expect(english.page.get_by_role("status")).to_contain_text("Saved")
    assert ok(api.as_("assessor").get(visit))["reason"] == "Came in the afternoon"
    assert gradings(api, subject) == STORED


def test_a_form_outlives_the_session(
    api: Api, subject: Json, english: Visit, served: Served
) -> None:
    answers = token_answers(english)
    form = filled(english, api, subject)
    end_session(english, answers, served)
    form.get_by_role("button", name="Save").click()
    again = english.page.locator("dialog.again")
    expect(again.locator("[name=username]")).to_have_value("assessor-nn")
    again.locator("[name=password]").fill(PASSWORD)
    again.get_by_role("button", name="Sign in").click()
    expect(english.page.get_by_role("status")).to_contain_text("Saved")
    assert gradings(api, subject) == STORED


@pytest.mark.parametrize("known", [True, False], ids=["closedby", "no closedby"])
def test_escape_does_not_close_what_asks_for_the_password_again(
    api: Api, subject: Json, english: Visit, served: Served, *, known: bool
) -> None:
    """Also in a browser that does not know `closedby`."""
    answers = token_answers(english)
    form = filled(english, api, subject)
    end_session(english, answers, served)
    form.get_by_role("button", name="Save").click()
    again = english.page.locator("dialog.again")
    expect(again.locator("[name=password]")).to_be_focused()
    if not known:
        again.evaluate("dialog => dialog.removeAttribute('closedby')")
    for _ in range(3):
        english.page.keyboard.press("Escape")
        expect(again.locator("[name=password]")).to_be_focused()
        expect(again).to_have_js_property("open", value=True)
    again.locator("[name=password]").fill(PASSWORD)
    again.get_by_role("button", name="Sign in").click()
    expect(english.page.get_by_role("status")).to_contain_text("Saved")
    expect(again).to_have_count(0)
    assert gradings(api, subject) == STORED


def test_escape_discards_nothing_unless_the_person_says_so(
    api: Api, subject: Json, english: Visit
) -> None:
    form = filled(english, api, subject)
    asked: list[str] = []

    def refuse(question: Dialog) -> None:
        asked.append(question.message)
        question.dismiss()

    english.page.on("dialog", refuse)
    for presses in range(1, 5):
        english.page.keyboard.press("Escape")
        english.page.wait_for_timeout(200)  # `close` is told later
        expect(form).to_have_js_property("open", value=True)
        assert 1 <= len(asked) <= presses
    expect(form.locator("[name=pain_score]")).to_have_value("2")
    english.page.remove_listener("dialog", refuse)
    english.page.once("dialog", lambda question: question.accept())
    form.get_by_role("button", name="Close").click()
    expect(form).to_have_count(0)


def test_who_cannot_be_shown_the_page_is_told_at_the_sign_in(
    api: Api, subject: Json, english: Visit
) -> None:
    lose(english, "**/v1/study", "GET", 3)
    sign_in(english, "coordinator-nn")
    expect(english.page.locator(".sign-in").get_by_role("alert")).to_contain_text(
        "The service does not answer"
    )
    english.page.locator(".sign-in button").click()
    expect(english.page.get_by_role("row").filter(has_text="RT1A")).to_contain_text("Due")


def test_a_page_of_a_proxy_in_place_of_a_visit_is_told_as_trouble(
    api: Api, subject: Json, english: Visit
) -> None:
    def answer_instead(route: Route) -> None:
        route.fulfill(response=route.fetch(), body="<html>Please sign in</html>")

    sign_in(english, "assessor-nn")
    english.page.route("**/visits/RT1A", answer_instead)
    form = opened(english, subject)
    expect(form.get_by_role("alert")).to_contain_text("The service does not answer.")
    form.get_by_role("button", name="Close").click()
    expect(form).to_have_count(0)


def test_the_list_follows_what_others_record(api: Api, subject: Json, english: Visit) -> None:
    sign_in(english, "coordinator-nn")
    row = english.page.get_by_role("row").filter(has_text="RT1A")
    expect(row).to_contain_text("Due")
    day = api.today() - timedelta(days=1)
    ok(api.as_("assessor").put(path(subject, "visits", "RT1A"), {"date": str(day)}))
    # Sooner than the page looks by itself: the stream told it.
    expect(row).to_have_count(0, timeout=20_000)


def test_a_visit_whose_grading_never_came_is_listed_until_it_does(
    api: Api, subject: Json, english: Visit
) -> None:
    day = api.today() - timedelta(days=1)
    ok(api.as_("coordinator").put(path(subject, "visits", "RT1A"), {"date": str(day)}))
    sign_in(english, "assessor-nn")
    english.page.locator("[name=show]").select_option("To be graded")
    form = opened(english, subject)
    fill(form, api)
    form.get_by_role("button", name="Save").click()
    expect(english.page.get_by_role("status")).to_contain_text("Saved")
    expect(english.page.get_by_text("No visits.")).to_be_visible()
    assert gradings(api, subject) == STORED
