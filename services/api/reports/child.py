"""The process that draws a report, as its worker sees it."""

import json
import os
import subprocess
import sys
from threading import BoundedSemaphore

import structlog

from services.api.reports.document import Document
from services.api.reports.errors import ReportsBusy, ReportsNotInstalled, ReportTooSlow
from services.api.reports.render import MISSING
from services.api.reports.schemas import ReportFormat

log = structlog.get_logger()

AT_ONCE = 2
"""Drawings a worker has under way at the same time; who comes then is told to wait."""
SECONDS = 60.0
"""The longest that a drawing may take; a trial of 200 subjects takes two."""
KEPT = ("HOME", "LANG", "MPLCONFIGDIR", "PATH", "SYSTEMROOT", "TMPDIR")
"""Of the environment, which holds passwords, only this is handed on."""

_places = BoundedSemaphore(AT_ONCE)


def drawn(document: Document, kind: ReportFormat) -> bytes:
    """The document as HTML or PDF; its data go through a pipe and are never in a file.

    Raises:
        ReportsBusy: enough is being drawn.
        ReportTooSlow: it took too long, and was stopped.
        ReportsNotInstalled: the extra `reports` is missing.
    """
    if not _places.acquire(blocking=False):
        raise ReportsBusy
    try:
        return _run(json.dumps(document.plain()).encode(), kind)
    finally:
        _places.release()


def _run(data: bytes, kind: ReportFormat) -> bytes:
    command = [sys.executable, "-I", "-m", "services.api.reports.render", kind.value]
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, env=environment, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ReportTooSlow from None
    if done.returncode == MISSING:
        raise ReportsNotInstalled
    if done.returncode != 0:
        # Its last words may quote the data, which stay out of the log.
        log.error("report_not_drawn", returncode=done.returncode)
        raise RuntimeError("a report was not drawn")
    return done.stdout
