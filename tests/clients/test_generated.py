"""The clients that are committed are those of the document that is committed."""

import json
import subprocess
from pathlib import Path

from tests.clients.speaking import NODE
from tools import python_client

ROOT = Path(__file__).parents[2]
STALE = "openapi/openapi.json has changed since: run `make clients`, and commit what it writes"
DOCUMENT = json.loads(python_client.DOCUMENT.read_text())


def test_the_python_client_is_of_the_current_document() -> None:
    for name, text in python_client.files().items():
        assert (python_client.PACKAGE / name).read_text() == text, STALE


def test_the_typescript_client_is_of_the_current_document(tmp_path: Path) -> None:
    written = tmp_path / "schema.ts"
    command = [str(NODE), "tools/typescript_client.js", str(written)]
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=True)
    committed = ROOT / "openapi" / "clients" / "typescript" / "src" / "schema.ts"
    assert committed.read_text() == written.read_text(), STALE


def test_what_the_clients_take_for_granted_is_so() -> None:
    """They know by its path which POST takes a key, and send a token wherever they have one."""
    for path, verbs in DOCUMENT["paths"].items():
        for method, operation in verbs.items():
            headers = {one["name"] for one in operation.get("parameters", [])}
            creates = method == "post" and path.startswith("/v1/")
            creates = creates and not path.startswith("/v1/oauth/")
            assert ("Idempotency-Key" in headers) == creates, operation["operationId"]
            assert ("If-Match" in headers) == (method in {"put", "patch"}), operation["operationId"]
