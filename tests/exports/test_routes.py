"""Exports as callers get them."""

import csv
import io
import zipfile
from datetime import datetime
from email.utils import parsedate_to_datetime

import pytest

from services.api.exports.formats import FORMATS
from tests.lived import Lived
from tests.make import Api, ok, problem

ALL = [
    pytest.param(name, form.media_type, None, id=f"{name} {form.media_type}")
    for name, one in FORMATS.items()
    for form in one.forms
] + [
    pytest.param(name, form.media_type, one.datasets[0], id=f"{name} {form.media_type} of one")
    for name, one in FORMATS.items()
    for form in one.single
]


def taken(api: Api, name: str, media_type: str = "*/*", **asked: str) -> bytes:
    """A whole export."""
    answer = api.as_("data_manager").get(
        f"/v1/exports/{name}", params=asked, headers={"Accept": media_type}
    )
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize(("name", "media_type", "dataset"), ALL)
def test_the_same_data_give_the_same_bytes(
    living: Api, name: str, media_type: str, dataset: str | None
) -> None:
    asked = {"dataset": dataset} if dataset else {}
    first = taken(living, name, media_type, **asked)
    assert first
    assert taken(living, name, media_type, **asked) == first


@pytest.mark.parametrize(("name", "media_type", "dataset"), ALL)
def test_an_empty_trial_is_exported_too(
    unchanged: Api, name: str, media_type: str, dataset: str | None
) -> None:
    asked = {"dataset": dataset} if dataset else {}
    assert taken(unchanged, name, media_type, **asked)


@pytest.mark.parametrize(("name", "media_type", "dataset"), ALL)
def test_an_export_names_nobody_and_tells_no_narrative(
    living: Api, lived: Lived, name: str, media_type: str, dataset: str | None
) -> None:
    asked = {"dataset": dataset} if dataset else {}
    body = taken(living, name, media_type, **asked)
    if media_type == "application/zip":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            body = b"\n".join(archive.read(one) for one in archive.namelist())
    assert b"tube feeding" not in body
    assert b"The source says otherwise" not in body
    # What the accounts of people at the sites are called; a role's own word is no name.
    names = lived.ask("SELECT name FROM account WHERE name LIKE '%% %%'")
    assert names
    assert not [one for one in names if one.encode() in body]


def test_it_says_what_it_is_and_when_its_newest_record_was_made(living: Api, lived: Lived) -> None:
    answer = living.as_("statistician").get("/v1/exports/csv?dataset=gradings")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert (
        answer.headers["Content-Disposition"]
        == 'attachment; filename="nct07312656-csv-gradings.csv"'
    )
    assert answer.headers["Vary"].split(", ")[0] == "Accept"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Content-Length" not in answer.headers
    changed: datetime = lived.ask("SELECT max(recorded_at) FROM subject_lock")[0]
    assert parsedate_to_datetime(answer.headers["Last-Modified"]) >= changed.replace(microsecond=0)


def test_the_trail_tells_who_took_what_of_how_many(api: Api) -> None:
    api.as_("investigator").screened()
    manager = api.as_("data_manager")
    assert manager.get("/v1/exports/csv?dataset=subjects").status_code == 200
    (event,) = api.rows("SELECT * FROM audit_event WHERE operation = 'EXPORT'")
    assert event.record == "export"
    assert event.role == "data_manager"
    assert event.new == {"format": "csv", "dataset": "subjects", "subjects": 1}
    (told,) = api.as_("auditor").get("/v1/audit-events?action=data+exported").json()["items"]
    assert "exported the trial's data" in told["summary"]


@pytest.mark.parametrize(
    ("address", "accept", "status", "code"),
    [
        pytest.param("/v1/exports/spss", "*/*", 404, "not_found", id="unknown format"),
        pytest.param("/v1/exports/CSV", "*/*", 422, "invalid", id="no name of a format"),
        pytest.param("/v1/exports/csv", "text/html", 406, "not_acceptable", id="unknown form"),
        pytest.param("/v1/exports/csv", "text/csv", 406, "not_acceptable", id="form of one only"),
        pytest.param(
            "/v1/exports/csv?dataset=AE", "text/csv", 422, "invalid", id="unknown dataset"
        ),
        pytest.param("/v1/exports/csv?version=2", "*/*", 422, "invalid", id="without versions"),
        pytest.param("/v1/exports/csv?site=NN", "*/*", 422, "invalid", id="unknown parameter"),
    ],
)
def test_what_there_is_not_is_refused(
    unchanged: Api, address: str, accept: str, status: int, code: str
) -> None:
    answer = unchanged.as_("data_manager").get(address, headers={"Accept": accept})
    problem(answer, status, code)


ADDRESSES = [
    pytest.param(name, dataset, id=f"{name} {dataset or 'whole'}")
    for name, one in FORMATS.items()
    for dataset in (None, *one.datasets[:1])
]


@pytest.mark.parametrize(("name", "dataset"), ADDRESSES)
@pytest.mark.parametrize("accept", ["text/html", "application/pdf;q=0.9, image/*"])
def test_a_form_that_an_export_has_not_is_refused_with_those_it_has(
    unchanged: Api, name: str, dataset: str | None, accept: str
) -> None:
    answer = unchanged.as_("data_manager").get(
        f"/v1/exports/{name}",
        params={"dataset": dataset} if dataset else {},
        headers={"Accept": accept},
    )
    detail = problem(answer, 406, "not_acceptable")["detail"]
    forms = FORMATS[name].single if dataset else FORMATS[name].forms
    assert all(form.media_type in detail for form in forms)


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("version", ["9.9", "2.0 ", ""], ids=["later", "with a space", "empty"])
def test_a_version_that_an_export_has_not_is_refused_with_those_it_has(
    unchanged: Api, name: str, version: str
) -> None:
    answer = unchanged.as_("data_manager").get(f"/v1/exports/{name}", params={"version": version})
    (fault,) = problem(answer, 422, "invalid")["errors"]
    assert fault["pointer"] == "/query/version"
    versions = FORMATS[name].versions
    assert fault["code"] == ("unsupported_version" if versions else "not_of_format")
    assert all(one in fault["detail"] for one in versions)


def test_an_unknown_dataset_is_answered_with_those_there_are(unchanged: Api) -> None:
    answer = unchanged.as_("data_manager").get("/v1/exports/csv?dataset=AE")
    (fault,) = problem(answer, 422, "invalid")["errors"]
    assert fault["pointer"] == "/query/dataset"
    assert "adverse_events" in fault["detail"]


def test_an_archive_and_a_file_by_itself_are_the_same(living: Api) -> None:
    with zipfile.ZipFile(io.BytesIO(taken(living, "csv"))) as archive:
        assert archive.testzip() is None
        for dataset in ("gradings", "dictionary"):
            assert archive.read(f"{dataset}.csv") == taken(living, "csv", dataset=dataset)


def test_unicode_comes_through(api: Api) -> None:
    subject = api.as_("investigator").on_treatment()
    text = "口腔黏膜炎 — “严重”, 50 % 🙂"
    body = {"code": "other", "description": text, "occurred_on": str(api.today())}
    answer = api.as_("investigator").post(f"/v1/subjects/{subject['id']}/deviations", body)
    assert answer.status_code == 201, answer.text
    told = taken(api, "csv", dataset="deviations").decode()
    assert text in [line["description"] for line in csv.DictReader(io.StringIO(told))]


def test_who_has_no_token_may_ask_what_fhir_the_service_speaks(unchanged: Api) -> None:
    answer = unchanged.get("/v1/exports/fhir/metadata")
    assert answer.headers["Content-Type"] == "application/fhir+json"
    statement = ok(answer)
    assert statement["resourceType"] == "CapabilityStatement"
    assert (
        statement["software"]["version"] == unchanged.get("/openapi.json").json()["info"]["version"]
    )


@pytest.mark.parametrize(
    ("role", "results"), [("data_manager", False), ("statistician", True)], ids=lambda one: str(one)
)
def test_results_of_the_registry_are_for_who_may_compare_arms(
    unchanged: Api, role: str, results: bool
) -> None:
    study = ok(unchanged.as_(role).get("/v1/exports/registry"))
    assert study["hasResults"] is ("resultsSection" in study) is results
