"""Publishing a protocol, and what an ethics approval opens."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.api.study import service
from services.api.study.errors import ProtocolNotApproved, SiteNotActive
from tests.make import Api, created

PROTOCOL_DAY = date(2026, 1, 1)
"""The day on which the sandbox's sites were approved."""


def test_publishing_the_same_document_again_changes_nothing(api: Api) -> None:
    with api.state.database.session() as session:
        service.publish(session, api.state.loaded)
        session.commit()
    assert api.count("protocol_version") == 1
    assert api.count("site") == 3


def test_another_document_under_a_published_version_is_refused(unchanged: Api) -> None:
    changed = replace(unchanged.state.loaded, sha256="0" * 64)
    with (
        unchanged.state.database.session() as session,
        pytest.raises(service.PublishedDiffers, match="a changed document needs a new version"),
    ):
        service.publish(session, changed)


def test_a_site_recruits_from_the_day_of_its_approval(unchanged: Api) -> None:
    protocol = unchanged.state.loaded.protocol
    with unchanged.state.database.session() as session:
        for days, active in ((-1, False), (0, True), (1, True)):
            on = PROTOCOL_DAY + timedelta(days=days)
            approved = service.approvals(session, "NN", on)
            assert bool(service.of_version(approved, protocol)) is active
            assert service.approved_consent(session, "NN", "1.0", on) is active


def test_a_consent_version_is_approved_per_site(api: Api) -> None:
    approval = {
        "protocol_version": "1.0",
        "consent_version": "1.1",
        "ethics_reference": "2026-KY-0007",
        "approved_on": "2026-02-01",
    }
    created(api.as_("admin").post("/v1/sites/NN/activations", approval))
    with api.state.database.session() as session:
        assert service.approved_consent(session, "NN", "1.1", date(2026, 2, 1))
        assert not service.approved_consent(session, "NN", "1.1", date(2026, 1, 31))
        assert not service.approved_consent(session, "LZ", "1.1", date(2026, 2, 1))


def test_an_approval_of_another_protocol_does_not_let_a_site_recruit(unchanged: Api) -> None:
    protocol = unchanged.state.loaded.protocol
    with unchanged.state.database.session() as session:
        approved = service.approvals(session, "NN", PROTOCOL_DAY)
        assert service.require_active(approved, protocol).consent_version == "1.0"
        with pytest.raises(ProtocolNotApproved):
            service.require_active(approved, protocol.model_copy(update={"version": "2.0"}))
        with pytest.raises(SiteNotActive):
            service.require_active([], protocol)


def test_an_activation_is_audited_with_the_admin_who_recorded_it(api: Api) -> None:
    before = api.changes()
    approval = {
        "protocol_version": "1.0",
        "consent_version": "1.1",
        "ethics_reference": "2026-KY-0007",
        "approved_on": "2026-02-01",
    }
    answer = api.as_("admin").post("/v1/sites/YL/activations", approval)
    created(answer)
    assert api.changes() == before + 1
    row = api.rows("SELECT * FROM audit_event ORDER BY id DESC LIMIT 1")[0]
    assert (row.record, row.operation, row.site, row.role) == (
        "site_activation",
        "INSERT",
        "YL",
        "admin",
    )
    assert row.request_id == answer.headers["X-Request-Id"]
    assert row.old is None
    assert row.new["consent_version"] == "1.1"
