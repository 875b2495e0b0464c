"""Bodies are read strictly: what two parsers could understand differently is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.requests import Request

from services.api.core.bodies import (
    DEEPEST,
    Body,
    ChangeReason,
    Instant,
    LocalDate,
    Patch,
    Reason,
    read_json,
    rfc3339,
)
from services.api.core.errors import ApiError, BadRequest, Invalid
from tests.make import SUBJECT, Api, problem


class Measured(Body):
    on: LocalDate
    at: Instant
    value: float
    count: int
    done: bool
    reason: ChangeReason


GIVEN: dict[str, Any] = {
    "on": "2026-03-02",
    "at": "2026-03-02T09:00:00+08:00",
    "value": 1.5,
    "count": 3,
    "done": True,
}


def read(body: bytes) -> Any:
    """The body as the service reads it."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    return asyncio.run(read_json(Request(scope, receive)))


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_request"),
        (b"{", 400, "bad_request"),
        (b"{'a': 1}", 400, "bad_request"),
        (b'{"a": 1,}', 400, "bad_request"),
        (b'{"a": 1} {"a": 1}', 400, "bad_request"),
        (b"// comment\n{}", 400, "bad_request"),
        (b'{"a": "\xff"}', 400, "bad_request"),
        (b'{"a": "\xed\xa0\x80"}', 400, "bad_request"),
        (b'\xef\xbb\xbf{"a": 1}', 400, "bad_request"),
        ('{"a": 1}'.encode("utf-16"), 400, "bad_request"),
        (b'{"a": "line\nbreak"}', 400, "bad_request"),
        (b'{"a": 01}', 400, "bad_request"),
        (b'{"a": ' + b"9" * 5000 + b"}", 400, "bad_request"),
        (b'{"a": NaN}', 422, "finite_number"),
        (b'{"a": Infinity}', 422, "finite_number"),
        (b'{"a": [-Infinity]}', 422, "finite_number"),
        (b'{"a": 1e400}', 422, "finite_number"),
        (b'{"a": -1e400}', 422, "finite_number"),
        (b'{"a": 1, "a": 2}', 422, "duplicate_key"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', 422, "duplicate_key"),
        (b'{"a": "\\u0000"}', 422, "nul"),
        (b'{"\\u0000": 1}', 422, "nul"),
        (b'{"a": ["\\ud800"]}', 422, "lone_surrogate"),
        (b'{"\\udfff": 1}', 422, "lone_surrogate"),
        (nested(DEEPEST + 2), 422, "nesting"),
        (nested(100_000), 422, "nesting"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 422, "nesting"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else None,
)
def test_what_parsers_disagree_about_is_refused(body: bytes, status: int, code: str) -> None:
    with pytest.raises(ApiError) as refusal:
        read(body)
    assert refusal.value.status == status
    if status == 400:
        assert isinstance(refusal.value, BadRequest)
    else:
        assert isinstance(refusal.value, Invalid)
        assert [item.code for item in refusal.value.errors] == [code]


def test_a_refusal_points_at_the_place() -> None:
    with pytest.raises(Invalid) as refusal:
        read(b'{"facts": [{"a/b": "\\u0000"}]}')
    assert refusal.value.errors[0].pointer == "/facts/0/a~1b"


def test_the_deepest_body_that_is_accepted() -> None:
    assert read(nested(DEEPEST + 1)) == json.loads(nested(DEEPEST + 1))


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )
)
def test_any_other_json_is_read_as_it_stands(value: object) -> None:
    assert read(json.dumps(value).encode()) == value


def test_a_body_in_pieces_is_read_whole() -> None:
    pieces = iter([b'{"a"', b": 1", b"}"])

    async def messages() -> AsyncIterator[dict[str, Any]]:
        for piece in pieces:
            yield {"type": "http.request", "body": piece, "more_body": piece != b"}"}

    stream = messages()
    request = Request({"type": "http", "method": "POST", "headers": []}, stream.__anext__)
    assert asyncio.run(read_json(request)) == {"a": 1}


def test_a_body_is_read_into_exact_types() -> None:
    read_in = Measured.model_validate(GIVEN)
    assert (read_in.on, read_in.value, read_in.count) == (date(2026, 3, 2), 1.5, 3)
    assert read_in.at == datetime(2026, 3, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("on", 20260302),
        ("on", "1772409600"),
        ("on", "20260302"),
        ("on", "2026-W10-1"),
        ("on", "2026-3-2"),
        ("on", "02.03.2026"),
        ("on", "2026-02-30"),
        ("on", "2026-03-02T00:00:00Z"),
        ("on", "2026-03-02T10:00:00Z"),
        ("on", "1899-12-31"),
        ("on", "2200-01-01"),
        ("on", "0001-01-01"),
        ("on", None),
        ("at", 1772413200),
        ("at", "1772413200"),
        ("at", "1772413200.5"),
        ("at", "2026-03-02 09:00:00Z"),
        ("at", "2026-03-02T09:00Z"),
        ("at", "2026-03-02T09:00:00+0800"),
        ("at", "2026-03-02T09:00:00−08:00"),
        ("at", "2026-03-02T24:00:00Z"),
        ("at", "2026-03-02T09:00:00+99:00"),
        ("at", "2026-W10-1T09:00:00Z"),
        ("at", "٢٠٢٦-03-02T09:00:00Z"),
        ("at", "2026-03-02"),
        ("at", "2026-03-02T09:00:00"),
        ("at", "0001-01-01T00:00:00+14:00"),
        ("at", "9999-12-31T23:59:59-14:00"),
        ("at", "1900-12-31T23:59:59Z"),
        ("at", "2199-01-01T00:00:00Z"),
        ("value", "1.5"),
        ("value", True),
        ("value", float("nan")),
        ("value", float("inf")),
        ("count", "3"),
        ("count", 3.5),
        ("count", True),
        ("done", 1),
        ("done", "true"),
        ("done", "yes"),
        ("reason", "ok"),
        ("reason", "   no   "),
        ("reason", "x" * 501),
        ("reason", 12345),
        ("another", 1),
    ],
)
def test_nothing_is_coerced(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        Measured.model_validate({**GIVEN, field: value})
    assert refusal.value.errors()[0]["loc"] == (field,)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-02T09:00:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02t09:00:00z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00.25-00:30", datetime(2026, 3, 2, 9, 30, 0, 250_000, UTC)),
        ("2026-03-02T00:30:00+08:00", datetime(2026, 3, 1, 16, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_as_rfc_3339_writes_it(written: str, meant: datetime) -> None:
    assert Measured.model_validate({**GIVEN, "at": written}).at == meant


@pytest.mark.parametrize("missing", sorted(GIVEN))
def test_nothing_but_the_optional_may_be_absent(missing: str) -> None:
    with pytest.raises(ValidationError):
        Measured.model_validate({name: value for name, value in GIVEN.items() if name != missing})


@pytest.mark.parametrize("whole", [None, [], "{}", 1, [GIVEN]])
def test_a_body_is_an_object(whole: object) -> None:
    with pytest.raises(ValidationError):
        Measured.model_validate(whole)


@settings(max_examples=50)
@given(st.datetimes(timezones=st.timezones()).filter(lambda moment: 1 < moment.year < 9999))
def test_a_moment_is_answered_in_utc_as_it_was_meant(moment: datetime) -> None:
    text = rfc3339(moment)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) - moment.astimezone(UTC) == timedelta(0)


class Correction(Patch):
    removable: ClassVar[frozenset[str]] = frozenset({"note"})

    grade: int | None = None
    note: str | None = None
    reason: Reason


def test_a_patch_changes_only_the_members_it_has() -> None:
    patch = Correction.model_validate({"grade": 3, "reason": "Misread"})
    assert patch.changes() == {"grade": 3}


def test_a_patch_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one member"):
        Correction.model_validate({"reason": "Misread"})


def test_null_removes_what_is_optional_and_nothing_else() -> None:
    assert Correction.model_validate({"note": None, "reason": "Gone"}).changes() == {"note": None}
    with pytest.raises(ValidationError, match="grade cannot be removed"):
        Correction.model_validate({"grade": None, "reason": "Gone"})


def test_a_reason_is_kept_without_the_space_around_it() -> None:
    assert Correction.model_validate({"grade": 1, "reason": "  Misread  "}).reason == "Misread"


@pytest.mark.parametrize("text", ["\u200b" * 3, "\u2060 \u00ad", "\u0301" * 3, "\x07\x07\x07"])
def test_a_reason_that_nobody_can_see_is_none(text: str) -> None:
    with pytest.raises(ValidationError, match="visible"):
        Correction.model_validate({"grade": 1, "reason": text})


def test_a_reason_may_be_in_any_script() -> None:
    for text in ("源数据更正", "—→ 3", "5.0", "\u200bMisread"):
        assert Correction.model_validate({"grade": 1, "reason": text.ljust(3, "!")})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b'{"site": "NN", "site": "LZ", "year_of_birth": 1971, "sex": "male"}', 422, "invalid"),
        (b'{"site": "NN", "year_of_birth": NaN, "sex": "male"}', 422, "invalid"),
        (b'{"site": "NN", "year_of_birth": 99999999999999999999, "sex": "male"}', 422, "invalid"),
        (b'{"site": "NN\\u0000", "year_of_birth": 1971, "sex": "male"}', 422, "invalid"),
        (nested(50_000), 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"[]", 422, "invalid"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else None,
)
def test_a_refused_body_stores_nothing(unchanged: Api, body: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "1"}
    answer = unchanged.as_("investigator").request(
        "POST", "/v1/subjects", content=body, headers=headers
    )
    problem(answer, status, code)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
def test_another_media_type_is_refused(unchanged: Api, media_type: str) -> None:
    answer = unchanged.as_("investigator").request(
        "POST",
        "/v1/subjects",
        content=json.dumps(SUBJECT),
        headers={"Content-Type": media_type, "Idempotency-Key": "1"},
    )
    problem(answer, 415, "unsupported_media_type")
    assert answer.headers["Accept"] == "application/json"


def test_the_media_type_may_carry_parameters_and_any_case(api: Api) -> None:
    answer = api.as_("investigator").request(
        "POST",
        "/v1/subjects",
        content=json.dumps(SUBJECT),
        headers={"Content-Type": "Application/JSON; charset=utf-8", "Idempotency-Key": "1"},
    )
    assert answer.status_code == 201
