"""What the TypeScript client holds to, whatever answers come: they are made up."""

import json
from typing import Any

import pytest

from tests.clients.speaking import HERE, node

PLAN = {
    "planned_dose_gy": 66,
    "planned_fractions": 33,
    "planned_start": "2026-03-16",
    "concurrent_chemotherapy": True,
}
TREATED = {
    **PLAN,
    "stratification": None,
    "first_fraction_on": None,
    "last_fraction_on": None,
    "interruptions": [],
    "protocol_version": "1.0",
    "reason": "Misread",
    "recorded_at": "2026-03-20T02:00:00Z",
    "version": 3,
}
REPLAYED = {"replayed": True}
STALE = {"code": "stale_version", "status": 412, "uncertain": True, "key": None}


def came(scene: str, **given: Any) -> Any:
    """What comes of a scene."""
    return json.loads(node(HERE / "rules.ts", scene, json.dumps(given)))


def overtaken(sent: Any, record: Any, method: str = "PUT", first: str = "lost") -> Any:
    """What comes of a change whose first answer was lost, when the next version is that."""
    return came("overtaken", sent=sent, record=record, method=method, first=first)


@pytest.mark.parametrize(
    ("method", "sent", "record"),
    [
        ("PUT", {**PLAN, "reason": " Misread "}, TREATED),
        ("PUT", PLAN, {**TREATED, "reason": None}),
        (
            "PUT",
            {**PLAN, "interruptions": [], "last_fraction_on": None, "reason": "Misread"},
            TREATED,
        ),
        ("PATCH", {"planned_fractions": 33, "reason": "Misread"}, TREATED),
        ("PATCH", {"causality": {"a": 1}, "reason": "Misread"}, {"causality": {"a": 1, "b": 2}}),
        ("PUT", {"facts": {"a": {"b": 1}}}, {"facts": {"a": {"b": 1}}, "normalised": {"c": 1}}),
        ("PUT", {"interruptions": [{"a": 1}]}, {"interruptions": [{"a": 1, "to": None}]}),
    ],
    ids=["reason", "no_reason", "emptied", "patched", "reason_not_kept", "facts", "part"],
)
def test_one_s_own_change_is_known_again(method: str, sent: Any, record: Any) -> None:
    assert overtaken(sent, record, method) == REPLAYED


@pytest.mark.parametrize(
    ("method", "sent", "record"),
    [
        ("PUT", {**PLAN, "reason": "Misread"}, {**TREATED, "last_fraction_on": "2026-04-30"}),
        (
            "PUT",
            {**PLAN, "reason": "Misread"},
            {**TREATED, "interruptions": [{"from": "2026-04-06"}]},
        ),
        ("PUT", {**PLAN, "reason": "Misread"}, {**TREATED, "of_a_newer_service": 1}),
        ("PUT", {**PLAN, "reason": "Typing error"}, TREATED),
        ("PUT", PLAN, TREATED),
        ("PUT", {"facts": {"a": 1}}, {"facts": {"a": 1, "b": 2}}),
        ("PUT", {"facts": {"a": {"b": 1}}}, {"facts": {"a": {"b": 1, "c": 2}}}),
        ("PUT", {"interruptions": [{"a": 1}]}, {"interruptions": [{"a": 1}, {"a": 2}]}),
        ("PATCH", {"planned_fractions": 33, "reason": "Typing error"}, TREATED),
        ("PUT", {**PLAN, "reason": "Misread"}, None),
    ],
    ids=[
        "left_out",
        "list_left_out",
        "unknown",
        "other_reason",
        "no_reason",
        "facts",
        "deep",
        "longer",
        "patched",
        "unread",
    ],
)
def test_what_is_not_known_to_be_one_s_own_change_is_stale(
    method: str, sent: Any, record: Any
) -> None:
    assert overtaken(sent, record, method) == STALE


def test_one_s_own_change_is_known_again_behind_a_proxy_that_hid_its_answer() -> None:
    assert overtaken({**PLAN, "reason": "Misread"}, TREATED, first="page") == REPLAYED


@pytest.mark.parametrize(
    ("renewal", "failure"),
    [
        ("lost", {"asked": "POST /v1/subjects"}),
        ("refused", {"code": "invalid_grant", "status": 400}),
        ("page", {"code": "no_problem", "status": 200}),
    ],
)
@pytest.mark.parametrize("first", ["lost", "none"])
def test_a_renewal_that_fails_keeps_the_request_s_key_and_its_uncertainty(
    first: str, renewal: str, failure: dict[str, Any]
) -> None:
    told = {**failure, "uncertain": first == "lost", "key": "a-key"}
    assert came("renewalFails", first=first, renewal=renewal) == told


def test_requests_that_share_a_failed_sign_in_keep_each_its_key() -> None:
    told = {"asked": "POST /v1/subjects", "uncertain": False}
    assert came("renewalFailsForTwo") == [{**told, "key": "one-key"}, {**told, "key": "other-key"}]


def test_a_token_that_is_not_to_be_had_keeps_the_request_s_key_and_its_uncertainty() -> None:
    told = {"asked": "POST /v1/subjects", "uncertain": True, "key": "a-key"}
    assert came("tokenFails") == told


@pytest.mark.parametrize(
    ("status", "code", "uncertain"),
    [
        (502, None, True),
        (504, None, True),
        (503, None, True),
        (500, None, True),
        (503, "outcome_unknown", True),
        (503, "unavailable", False),
        (500, "internal", False),
        (409, "still_in_flight", False),
        (403, None, False),
    ],
)
def test_the_only_answer_tells_whether_the_outcome_is_known(
    status: int, code: str | None, uncertain: bool
) -> None:
    told = {"code": code or "no_problem", "status": status, "uncertain": uncertain, "key": "a-key"}
    assert came("onlyAnswer", status=status, code=code) == told


def test_signing_out_ends_a_session_that_was_not_used() -> None:
    assert came("signedOutUnused") == {"asked": ["POST /v1/oauth/revoke token=R0"], "told": [None]}


@pytest.mark.parametrize("revoke", ["lost", "page"])
def test_signing_out_can_be_tried_again(revoke: str) -> None:
    assert came("signedOutTwice", revoke=revoke) == {
        "asked": ["POST /v1/oauth/revoke token=R1"] * 2,
        "meanwhile": ["R1"],
        "told": ["R1", None],
    }


def test_signing_out_ends_a_session_that_is_just_beginning() -> None:
    assert came("signedOutWhileSigningIn") == {
        "revoked": ["POST /v1/oauth/revoke token=R1"],
        "told": ["R1", None],
    }


def test_who_signs_out_during_a_renewal_is_not_signed_in_again() -> None:
    assert came("signedOutWhileRenewing") == {
        "call": {"code": "invalid_grant", "status": 400, "uncertain": False, "key": None},
        "end": [
            "POST /v1/oauth/token grant_type=refresh_token&refresh_token=R1",
            "POST /v1/oauth/revoke token=R1",
        ],
        "told": ["R1", None],
    }


def test_a_call_from_before_a_sign_out_does_not_sign_in_again() -> None:
    assert came("signedOutDuringACall") == {
        "call": {"code": "unauthorized", "status": 401, "uncertain": False, "key": None},
        "asked": ["POST /v1/oauth/revoke token=R1"],
    }


def test_a_lost_renewal_is_noticed_while_its_refresh_token_is_good_once_more() -> None:
    assert came("limits", retries={}) == [4_000, 4_000, 30_000]
    assert came("limits", retries={"timeoutMs": 1_000}) == [1_000, 1_000, 1_000]


@pytest.mark.parametrize("fault", ["lost", "busy"])
def test_a_one_time_code_is_sent_once(fault: str) -> None:
    form = "grant_type=password&username=investigator-nn&password=sandbox-only"
    sent = f"POST /v1/oauth/token {form}"
    assert came("signsIn", fault=fault, totp="000000") == [f"{sent}&totp=000000"]
    assert came("signsIn", fault=fault) == [sent, sent]


def test_what_is_created_has_a_key_however_the_address_is_written() -> None:
    addresses = ["https://x.org:443", "https://bücher.example/", "HTTPS://x.org/a b/", "/api", ""]
    assert came("addresses", addresses=addresses) == [
        "https://x.org/v1/subjects true",
        "https://xn--bcher-kva.example/v1/subjects true",
        "https://x.org/a%20b/v1/subjects true",
        "https://page.example.org/api/v1/subjects true",
        "https://page.example.org/v1/subjects true",
    ]


@pytest.mark.parametrize("hidden", [False, True], ids=["seen", "as_in_a_browser"])
def test_a_redirect_is_not_followed(hidden: bool) -> None:
    status = 0 if hidden else 307
    told = {"code": "no_problem", "status": status, "uncertain": False, "key": "a-key"}
    assert came("redirected", hidden=hidden) == [told, []]


@pytest.mark.parametrize(
    ("at", "uncertain", "key"),
    [("read", False, None), ("change", True, "a-key"), ("token", False, "a-key")],
)
def test_a_page_in_place_of_an_answer_is_no_success(
    at: str, uncertain: bool, key: str | None
) -> None:
    told = {"code": "no_problem", "status": 200, "uncertain": uncertain, "key": key}
    assert came("signInPage", at=at) == told
