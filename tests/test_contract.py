"""Schemathesis: the running service keeps the contract that its OpenAPI document publishes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.conftest import Rounds, Served
from tests.make import Api, adverse_event, created, grading, ok

SEED = 20260101
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
LEFT_OUT = {
    "read_readiness": "refuses the throw-away database of the tests, which is not durable",
    "issue_token": "hashes a password at each try; tests/hostile/test_token.py tries its forms",
    "move_clock": "moves time for all operations after it",
}
ROLES = ("investigator", "hospital_system")
EXAMPLES = 4
"""Generated requests for each operation in the fuzzing phase; coverage, which makes about forty, is
for the long run: tests/hostile sends bodies, paths and headers of every kind each time."""

# A drawn report takes a process of its own for seconds: tests/reports tries pages and PDFs.
CONFIG = """
[parameters]
"query.format" = "json"
{parameters}
[checks.missing_required_header]
expected-statuses = [400, 401, 403, 415, 422, 428]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428]
[reports.json]
path = "report.json"
"""


@pytest.fixture
def records(api: Api) -> dict[str, str]:
    """A record of every kind, so that generated requests reach past `not found`."""
    caller = api.as_("investigator")
    subject = caller.eligible()
    here = f"/v1/subjects/{subject['id']}"
    ok(caller.put(f"{here}/visits/BL", {"date": str(api.today())}, version=0))
    made = created(caller.post(f"{here}/visits/BL/gradings", grading(api.today())))
    event = created(caller.post(f"{here}/adverse-events", adverse_event(api.today())))
    consent = ok(caller.get(f"{here}/consents"))["items"][0]
    return {
        "subject_id": subject["id"],
        "consent_id": consent["id"],
        "grading_id": made["id"],
        "adjudication_id": api.disputed()["id"],
        "event_id": event["id"],
    }


def test_the_document_is_valid_openapi_31(api: Api) -> None:
    document = ok(api.get("/openapi.json"))
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


@pytest.mark.parametrize("role", ROLES)
def test_no_answer_breaks_the_documented_contract(
    api: Api, served: Served, records: dict[str, str], tmp_path: Path, role: str, rounds: Rounds
) -> None:
    phases = "examples,coverage,fuzzing" if rounds(0, 1) else "examples,fuzzing"
    parameters = "\n".join(f'"path.{name}" = "{value}"' for name, value in records.items())
    (tmp_path / "schemathesis.toml").write_text(CONFIG.format(parameters=parameters))
    left_out = [part for name in LEFT_OUT for part in ("--exclude-operation-id", name)]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{served.address}/openapi.json"),
            *("--header", f"Authorization: Bearer {api.as_(role).token}"),
            *("--checks", ",".join(CHECKS), "--phases", phases),
            *("--max-examples", str(EXAMPLES), "--seed", str(SEED), "--continue-on-failure"),
            *left_out,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["operations"]["tested"] == report["operations"]["total"] - len(LEFT_OUT)
