"""The stage of a running sandbox: puts a scenario in the place of its data, in a second or two."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog
from fastapi import FastAPI

from services.api.core.auth import TokenCache
from services.api.core.db import Database
from services.api.core.keys import rotate
from services.api.core.outside import OutsideIssuer
from services.api.sandbox import service as sandbox
from services.api.sandbox.errors import ResetUnderWay
from services.api.sandbox.scenarios import Scenario
from services.api.sandbox.stage import Played
from services.api.scenarios.databases import Databases
from services.api.settings import Settings

log = structlog.get_logger()

PATIENCE = 1.0
"""Seconds that requests which are being served may take to end before they are cut off."""


class OwnStage:
    """Resets the sandbox of one application."""

    def __init__(self, app: FastAPI, settings: Settings, databases: Databases) -> None:
        self._app = app
        self._settings = settings
        self._databases = databases
        self._resetting = threading.Lock()
        self.next_reset_at: datetime | None = None

    def begin(self, scenario: Scenario, seed: int) -> bool:
        """Before the start: go on with the scenario, or begin with it; whether it was begun.

        Raises:
            ProductionDatabase, ResetNotPossible, ScenarioFailed: as for a reset.
        """
        if self._databases.played() == (scenario.value, seed):
            return False
        self.reset(scenario, seed)
        return True

    def reset(self, scenario: Scenario | None, seed: int | None) -> Played:
        """Begin anew with a scenario and a seed; what is not given is as it was.

        The scenario is made ready beside the running sandbox, and only then
        takes its place.

        Raises:
            ResetUnderWay: another reset is at work.
            ResetNotPossible: the PostgreSQL does not allow it; says what to do.
            ProductionDatabase: the database was not furnished as a sandbox.
            ScenarioFailed: it cannot be played with this protocol document.
        """
        if not self._resetting.acquire(blocking=False):
            raise ResetUnderWay
        try:
            self._databases.check_rights()
            name, number = self._databases.played() or (Scenario.EMPTY.value, 1)
            wanted = Played(scenario or Scenario(name), number if seed is None else seed)
            template = self._databases.template(wanted.scenario, wanted.seed)
            copy = self._databases.prepare(template)
            self._change_scene(copy)
            threading.Thread(target=self._databases.drop_replaced).start()
        finally:
            self._resetting.release()
        log.info("sandbox_reset", scenario=wanted.scenario.value, seed=wanted.seed)
        return wanted

    def _change_scene(self, copy: str) -> None:
        """Put the copy in the place of the data, while nobody is inside."""
        state = self._app.state
        url = str(self._settings.database_url and self._settings.database_url.get_secret_value())
        with state.gate.closed(PATIENCE):
            state.database.retire()  # whoever was cut off does not go on in the new data
            try:
                self._databases.replace(copy)
            finally:
                state.database = Database(url, self._settings.pool_size)
            self._sign_everybody_out()
            with state.database.session() as session:
                sandbox.resume_clock(session, state.clock)

    def _sign_everybody_out(self) -> None:
        """Refuse the tokens from before: their sessions are gone with the data."""
        state = self._app.state
        if self._settings.signing_key_file is not None:
            rotate(self._settings.signing_key_file, leaked=True)
        state.issuer.jwks()  # which looks at the file
        sites = [site.code for site in state.loaded.protocol.sites]
        state.tokens = TokenCache(state.issuer, OutsideIssuer.of(self._settings, sites))

    @contextmanager
    def keeping_time(self, hours: float | None) -> Iterator[None]:
        """Reset by itself every so many hours of real time, to what was begun with last."""
        if hours is None:
            yield
            return
        ended, pause = threading.Event(), timedelta(hours=hours)

        def run() -> None:
            while True:
                self.next_reset_at = datetime.now(UTC) + pause
                if ended.wait(pause.total_seconds()):
                    return
                self._reset_by_itself()

        thread = threading.Thread(target=run, daemon=True, name="sandbox reset")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _reset_by_itself(self) -> None:
        try:
            self.reset(None, None)
        except Exception as fault:  # noqa: BLE001 -- the next one may succeed
            log.warning("sandbox_not_reset", kind=type(fault).__name__)
