"""One Chromium for the tests of this folder, and visits in which everything is noticed."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.visiting import Visit
from tests.conftest import Served

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
PATIENCE = 60_000
"""Milliseconds that a page may take on a busy machine."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window and without calls home.

    Its driver runs an event loop in this thread, which tests of other modules need for their own.
    """
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed on this machine")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, served: Served) -> Iterator[Visit]:
    """A visitor of the service who has never been there; what the page did amiss is told after."""
    context = browser.new_context(base_url=served.address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    made = Visit(context.new_page(), served.address)
    yield made
    context.close()
    assert made.elsewhere == []
    assert made.complaints == made.foreseen
