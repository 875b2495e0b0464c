"""Which export is asked for, and that none is given which the trail does not tell of."""

import time
from typing import Any

import pytest

from services.api.core.auth import Principal
from services.api.core.errors import Invalid, NotAcceptable, NotFound
from services.api.exports import service, spool
from services.api.exports.extract import Extract, Options
from services.api.exports.formats import FORMATS, Form, Format
from services.api.exports.schemas import ExportQuery
from tests.exports.conftest import manager
from tests.make import Api

NOTHING = ExportQuery()


def empty(_: Extract, options: Options) -> Any:
    yield repr(options).encode()


BOTH = Format(
    "both",
    (Form("application/xml", "xml", empty), Form("application/json", "json", empty)),
    (Form("text/plain", "txt", empty),),
    datasets=("AE", "DM"),
    versions=("2.0", "1.3.2"),
)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FORMATS", {**FORMATS, "both": BOTH})


@pytest.mark.parametrize(
    ("accept", "extension"),
    [
        pytest.param("", "xml", id="none"),
        pytest.param("*/*", "xml", id="anything"),
        pytest.param("application/json", "json", id="one of them"),
        pytest.param("application/xml;q=0.1, application/json", "json", id="the other more"),
        pytest.param("text/html, application/*;q=0.8", "xml", id="a browser's"),
    ],
)
def test_the_form_is_the_one_the_caller_likes_best(accept: str, extension: str) -> None:
    form, _ = service.form_of("both", NOTHING, accept)
    assert form.extension == extension


def test_the_first_version_is_meant_where_none_is_named() -> None:
    assert service.form_of("both", NOTHING, "")[1] == Options(version="2.0")
    _, options = service.form_of("both", ExportQuery(version="1.3.2"), "")
    assert options == Options(version="1.3.2")


def test_a_dataset_comes_in_the_forms_of_one() -> None:
    form, options = service.form_of("both", ExportQuery(dataset="DM"), "text/*")
    assert (form.extension, options.dataset) == ("txt", "DM")
    with pytest.raises(NotAcceptable, match="text/plain"):
        service.form_of("both", ExportQuery(dataset="DM"), "application/xml")


def test_an_unsupported_version_is_answered_with_the_supported_ones() -> None:
    with pytest.raises(Invalid) as refused:
        service.form_of("both", ExportQuery(version="3.0"), "")
    (fault,) = refused.value.errors
    assert (fault.pointer, fault.code) == ("/query/version", "unsupported_version")
    assert fault.detail == "Ask for one of 2.0, 1.3.2"


def test_an_unknown_format_does_not_exist() -> None:
    with pytest.raises(NotFound):
        service.form_of("spss", NOTHING, "")


def test_what_the_trail_cannot_tell_of_is_not_given(
    unchanged: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the trail is down")

    monkeypatch.setattr(service, "note", fails)
    state = unchanged.state
    form, options = service.form_of("csv", NOTHING, "")
    with pytest.raises(RuntimeError, match="trail is down"):
        service.begin(
            state.database,
            manager(unchanged),
            state.clock,
            state.loaded,
            ("csv", form, options),
        )
    deadline = time.monotonic() + 10
    while spool._places._value < spool.AT_ONCE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(spool._kept) == 0


@pytest.mark.parametrize(("role", "sees"), [("data_manager", False), ("statistician", True)])
def test_only_who_reads_reports_by_arm_may_compare_arms(
    unchanged: Api, role: str, sees: bool
) -> None:
    state, told = unchanged.state, list[bool]()

    def asks(_: Extract, options: Options) -> Any:
        told.append(options.by_arm)
        yield b"."

    given = manager(unchanged)
    caller = Principal(given.id, given.name, type(given.role)(role), given.sites, False, given.id)
    form = Form("text/plain", "txt", asks)
    production = service.begin(
        state.database, caller, state.clock, state.loaded, ("both", form, Options())
    )
    production.close()
    assert told == [sees]
