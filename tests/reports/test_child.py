"""The process that draws: what it is given, and what happens when it cannot."""

import subprocess
import sys
import threading
from typing import Any

import pytest

from services.api.reports import child
from services.api.reports.document import Document, Paragraph
from services.api.reports.errors import ReportsBusy, ReportsNotInstalled, ReportTooSlow
from services.api.reports.render import MISSING
from services.api.reports.schemas import ReportFormat

DOCUMENT = Document("Title", "Subtitle", "2026-01-01", [Paragraph("Told to nobody else")])


def program(monkeypatch: pytest.MonkeyPatch, text: str) -> list[Any]:
    """Put another program in the place of the one that draws; what it was started with."""
    started: list[Any] = []
    run = subprocess.run

    def instead(command: list[str], **options: Any) -> Any:
        started.append((command, options))
        return run([sys.executable, "-c", text], **options)

    monkeypatch.setattr(subprocess, "run", instead)
    return started


def test_a_document_is_drawn_by_another_process() -> None:
    drawn = child.drawn(DOCUMENT, ReportFormat.HTML)
    assert b"<p>Told to nobody else</p>" in drawn


def test_the_data_go_through_a_pipe_and_no_secret_goes_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRIAL_DATABASE_URL", "secret")
    started = program(monkeypatch, "print('drawn')")
    assert child.drawn(DOCUMENT, ReportFormat.PDF).startswith(b"drawn")
    [(command, options)] = started
    assert command[1:] == ["-I", "-m", "services.api.reports.render", "pdf"]
    assert b"Told to nobody else" in options["input"]
    assert not any(name.startswith("TRIAL_") for name in options["env"])


def test_a_program_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(child, "SECONDS", 0.2)
    with pytest.raises(ReportTooSlow):
        child.drawn(DOCUMENT, ReportFormat.HTML)


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, f"raise SystemExit({MISSING})")
    with pytest.raises(ReportsNotInstalled):
        child.drawn(DOCUMENT, ReportFormat.HTML)


def test_a_failure_is_not_taken_for_a_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "print('half'); raise SystemExit(1)")
    with pytest.raises(RuntimeError):
        child.drawn(DOCUMENT, ReportFormat.HTML)


def test_who_comes_while_enough_is_drawn_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, end = threading.Barrier(child.AT_ONCE + 1), threading.Event()

    def slow(*_: object) -> bytes:
        begun.wait(10)
        end.wait(10)
        return b"drawn"

    monkeypatch.setattr(child, "_run", slow)
    threads = [
        threading.Thread(target=child.drawn, args=(DOCUMENT, ReportFormat.HTML))
        for _ in range(child.AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    begun.wait(10)
    with pytest.raises(ReportsBusy):
        child.drawn(DOCUMENT, ReportFormat.HTML)
    end.set()
    for thread in threads:
        thread.join(10)
    monkeypatch.setattr(child, "_run", lambda *_: b"drawn")
    assert child.drawn(DOCUMENT, ReportFormat.HTML) == b"drawn"  # every place is free again
