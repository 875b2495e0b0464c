"""The study, its sites, protocol versions and activations over HTTP."""

from datetime import timedelta

from tests.make import Api, created, mistakes, ok, problem

APPROVAL = {
    "protocol_version": "1.0",
    "consent_version": "1.1",
    "ethics_reference": "2026-KY-0007",
    "approved_on": "2026-02-01",
}


def test_the_study_is_the_registered_one(unchanged: Api) -> None:
    study = ok(unchanged.as_("coordinator").get("/v1/study"))
    assert study["nct_id"] == "NCT07312656"
    assert study["target_enrolment"] == 200
    assert study["time_zone"] == "Asia/Shanghai"
    assert study["protocol_version"] == "1.0"
    assert {arm["code"]: arm["receives_study_drug"] for arm in study["arms"]} == {
        "experimental": True,
        "control": False,
    }


def test_the_three_sites_recruit_in_the_sandbox(unchanged: Api) -> None:
    sites = ok(unchanged.as_("coordinator").get("/v1/sites"))
    assert [(site["code"], site["recruiting"]) for site in sites["items"]] == [
        ("LZ", True),
        ("NN", True),
        ("YL", True),
    ]
    assert sites["next_cursor"] is None


def test_a_site_without_approval_does_not_recruit_until_an_admin_records_one(api: Api) -> None:
    api.close_site("LZ")
    admin = api.as_("admin")
    assert not ok(admin.get("/v1/sites/LZ"))["recruiting"]
    made = created(admin.post("/v1/sites/LZ/activations", APPROVAL))
    assert made.items() >= {**APPROVAL, "site": "LZ"}.items()
    assert ok(admin.get("/v1/sites/LZ"))["recruiting"]
    created(api.as_("coordinator", "LZ").post("/v1/subjects", _person("LZ")))


def _person(site: str) -> dict[str, object]:
    return {"site": site, "year_of_birth": 1971, "sex": "male"}


def test_an_unknown_site_or_version_is_not_found(unchanged: Api) -> None:
    coordinator = unchanged.as_("coordinator")
    problem(coordinator.get("/v1/sites/XX"), 404, "not_found")
    problem(coordinator.get("/v1/sites/XX/activations"), 404, "not_found")
    problem(coordinator.get("/v1/protocol-versions/9.9"), 404, "not_found")
    problem(unchanged.as_("admin").post("/v1/sites/XX/activations", APPROVAL), 404, "not_found")


def test_an_approval_of_tomorrow_is_not_one(unchanged: Api) -> None:
    tomorrow = str(unchanged.today() + timedelta(days=1))
    answer = unchanged.as_("admin").post(
        "/v1/sites/NN/activations", {**APPROVAL, "approved_on": tomorrow}
    )
    assert mistakes(answer) == [("/approved_on", "future")]
    assert unchanged.count("site_activation") == 3


def test_an_approval_of_an_unpublished_protocol_is_refused(unchanged: Api) -> None:
    answer = unchanged.as_("admin").post(
        "/v1/sites/NN/activations", {**APPROVAL, "protocol_version": "2.0"}
    )
    assert mistakes(answer) == [("/protocol_version", "unknown")]


def test_the_same_approval_is_recorded_once(api: Api) -> None:
    admin = api.as_("admin")
    created(admin.post("/v1/sites/NN/activations", APPROVAL))
    again = admin.post("/v1/sites/NN/activations", {**APPROVAL, "ethics_reference": "2026-KY-0009"})
    problem(again, 409, "already_activated")
    assert api.count("site_activation") == 4
    renewed = {**APPROVAL, "approved_on": "2026-03-01"}
    created(admin.post("/v1/sites/NN/activations", renewed))


def test_activations_are_listed_oldest_first_a_page_at_a_time(api: Api) -> None:
    admin = api.as_("admin")
    for version in ("1.1", "1.2"):
        created(admin.post("/v1/sites/NN/activations", {**APPROVAL, "consent_version": version}))
    first = ok(api.as_("monitor").get("/v1/sites/NN/activations?limit=1"))
    rest = ok(
        api.as_("monitor").get(f"/v1/sites/NN/activations?cursor={first['next_cursor']}&limit=2")
    )
    versions = [item["consent_version"] for item in first["items"] + rest["items"]]
    assert sorted(versions) == ["1.0", "1.1", "1.2"]
    assert versions.index("1.1") < versions.index("1.2")
    assert rest["next_cursor"] is None


def test_a_protocol_version_shows_its_facts_its_rulings_and_its_fingerprint(unchanged: Api) -> None:
    coordinator = unchanged.as_("coordinator")
    version = ok(coordinator.get("/v1/protocol-versions/1.0"))
    facts = {fact["id"]: fact for fact in version["eligibility"]["facts"]}
    assert facts["haemoglobin"].items() >= {"type": "measurement", "unit": "g/L"}.items()
    assert all(facts[name]["question"] for name in facts)
    assert "study_drug_timing" in {ruling["id"] for ruling in version["assumptions"]}
    assert version["sha256"] == unchanged.state.loaded.sha256
    listed = ok(coordinator.get("/v1/protocol-versions"))["items"]
    assert [(one["version"], one["sha256"]) for one in listed] == [("1.0", version["sha256"])]
