"""The documentation is served whole by the service: hospital networks have no internet."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Served
from tests.make import Api, ok

CHROMIUM = shutil.which("chromium")


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_every_asset_of_the_documentation_comes_from_the_service(api: Api, page: str) -> None:
    html = api.get(page).text
    assets = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert assets
    for asset in assets:
        assert asset.startswith("/"), asset
        assert api.get(asset).status_code == 200, asset


def test_the_document_that_is_served_is_openapi_3_1(api: Api) -> None:
    assert ok(api.get("/openapi.json"))["openapi"].startswith("3.1")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed on this machine")
@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_documentation_renders_in_a_browser(served: Served, page: str, tmp_path: Path) -> None:
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    quiet = "--disable-background-networking --disable-component-update"
    run = subprocess.run(
        [
            str(CHROMIUM),
            *flags.split(),
            *quiet.split(),
            f"--user-data-dir={tmp_path}",
            "--virtual-time-budget=10000",
            "--dump-dom",
            served.address + page,
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert "Enter a person into screening" in run.stdout
