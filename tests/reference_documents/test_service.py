"""Which document decides, and that none ever changes."""

from datetime import date, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from services.api.reference_documents import service
from tests.make import DOCUMENT, Api, Json, created
from tests.reference_documents.test_routes import PATH

DAY = timedelta(days=1)


def published(api: Api, version: str, effective_on: str) -> Json:
    body = {**DOCUMENT, "version": version, "effective_on": effective_on}
    return created(api.as_("safety_officer").post(PATH, body))


def test_the_document_in_force_took_effect_last_by_that_day(api: Api) -> None:
    first, today = date(2026, 1, 1), api.today()
    march, june = today + timedelta(days=90), today + timedelta(days=180)
    for version, day in (("1", first), ("3", june), ("3.1", june), ("2", march)):
        published(api, version, str(day))
    found = {}
    with api.state.database.session() as session:
        for day in (first - DAY, first, march - DAY, march, june + DAY):
            document = service.in_force(session, day)
            found[day] = document and document.version
    assert list(found.values()) == [None, "1", "1", "2", "3.1"]


def test_a_document_is_audited_and_never_rewritten(api: Api) -> None:
    made = published(api, "1", "2026-01-01")
    (row,) = api.rows("SELECT * FROM audit_event WHERE record = 'reference_document'")
    assert (row.record_id, row.operation, row.site) == (made["id"], "INSERT", None)
    for statement in (
        "UPDATE reference_document SET title = 'x'",
        "DELETE FROM reference_document",
    ):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)
