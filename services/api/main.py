"""The application: every route, in one process, over one database."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.api import setup
from services.api.accounts.routes import router as accounts
from services.api.adjudications.routes import router as adjudications
from services.api.adverse_events.routes import router as adverse_events
from services.api.audit.routes import router as audit
from services.api.case_reports.routes import router as case_reports
from services.api.certificates.routes import router as certificates
from services.api.contract.complete import complete
from services.api.core import errors, logs, openapi, sending
from services.api.core.auth import TokenCache
from services.api.core.clock import Clock
from services.api.core.cors import CrossOrigin
from services.api.core.db import Database
from services.api.core.keys import KeyRing, UnusableKeys
from services.api.core.outside import OutsideIssuer
from services.api.core.permissions import Role
from services.api.core.tokens import TokenIssuer
from services.api.corrections.routes import router as corrections
from services.api.deadlines.routes import router as deadlines
from services.api.deviations.routes import router as deviations
from services.api.discontinuations.routes import router as discontinuations
from services.api.documentation.description import Description
from services.api.eligibility.routes import router as eligibility
from services.api.endpoint.routes import router as endpoint
from services.api.enrolment.routes import router as enrolment
from services.api.events.routes import router as events
from services.api.events.streams import Streams
from services.api.exports.routes import router as exports
from services.api.exposures.routes import router as exposures
from services.api.gradings.routes import router as gradings
from services.api.identity.routes import router as identity
from services.api.identity.watch import SessionWatch
from services.api.labels.routes import router as labels
from services.api.locks.routes import router as locks
from services.api.protocol.load import load
from services.api.protocol.schema import Protocol
from services.api.queries.routes import router as queries
from services.api.radiotherapy.routes import router as radiotherapy
from services.api.randomization.routes import router as randomization
from services.api.randomization.rules import Design
from services.api.randomization.secret import SecretFile
from services.api.reference_documents.routes import router as reference_documents
from services.api.reports.routes import router as reports
from services.api.sandbox.gate import Gate, Gated
from services.api.sandbox.routes import router as sandbox
from services.api.sandbox.stage import NoStage
from services.api.settings import MissingSetting, Settings
from services.api.stopping_rules.routes import router as stopping_rules
from services.api.study.routes import router as study
from services.api.submissions.routes import router as submissions
from services.api.system.routes import router as system
from services.api.terms.routes import router as terms
from services.api.verifications.routes import router as verifications
from services.api.visits.routes import router as visits
from services.api.webhooks.routes import router as webhooks

DESCRIPTION = """
Runs a multi-centre clinical trial: enrolment, eligibility, randomization, visits, gradings,
endpoints and adverse events, for one trial per installation.

Every error is an RFC 9457 problem whose `type` is a page that explains it. Lists are pages with
a cursor. Single records carry an `ETag`; a change sends it back as `If-Match`. A POST that
creates carries an `Idempotency-Key`, so a retry never acts twice. Records of other sites do not
exist for you.

# Versions

Within `/v1`, what you send stays valid and what you read stays as described. Answers may gain
members, and enumerations that say so may gain values: pass over what you do not know. An operation
that will end is marked as deprecated here; from then on its answers carry `Deprecation` and
`Sunset`, for half a year at least. After the day of `Sunset` it answers 404.
"""

TAGS = [
    {"name": "identity", "description": "Signing in, and who you are."},
    {"name": "accounts", "description": "Users and machine clients, kept by admins."},
    {"name": "certificates", "description": "Who is trained to grade."},
    {"name": "study", "description": "The trial, its sites and its protocol."},
    {"name": "enrolment", "description": "Subjects and consents."},
    {"name": "deviations", "description": "Departures from the protocol."},
    {"name": "eligibility", "description": "Facts, criteria, verdicts and the signature."},
    {"name": "radiotherapy", "description": "What was planned and delivered."},
    {"name": "randomization", "description": "Allocation to an arm, and the committed list."},
    {"name": "corrections", "description": "Errors made in randomization, kept and shown."},
    {"name": "visits", "description": "The schedule and what happened."},
    {"name": "exposures", "description": "Study drug taken, day by day."},
    {"name": "discontinuations", "description": "The end of treatment, and of taking part."},
    {"name": "gradings", "description": "Assessments of oral mucositis."},
    {"name": "adjudications", "description": "Visits whose gradings differ, and the decisions."},
    {"name": "endpoint", "description": "The outcome of a subject."},
    {"name": "adverse events", "description": "What happened to a subject's safety."},
    {"name": "terms", "description": "What adverse events are called."},
    {"name": "labels", "description": "What forms say, in English and in Chinese."},
    {"name": "reference documents", "description": "Which reactions are expected."},
    {"name": "deadlines", "description": "Reports that are owed, by when, and to whom."},
    {"name": "submissions", "description": "Reports that were sent, and their receipts."},
    {"name": "stopping rules", "description": "When the committee must look at an arm."},
    {"name": "queries", "description": "Questions about recorded data, and their answers."},
    {"name": "verifications", "description": "Gradings compared with their source."},
    {"name": "locks", "description": "When a subject's record, or the trial's, may change."},
    {"name": "reports", "description": "Figures for those who watch over the trial."},
    {"name": "exports", "description": "The whole trial as a file, in formats others read."},
    {"name": "events", "description": "What happened, in order, for other systems."},
    {"name": "webhooks", "description": "Events sent to other systems as they happen."},
    {"name": "audit", "description": "Who did what, and the seals that prove it."},
    {"name": "system", "description": "Health, readiness and problem pages."},
    {"name": "sandbox", "description": "For practice: the movable clock and the scenarios."},
]

ROUTERS = (
    enrolment,  # first, for it is asked most and routes are tried in this order
    identity,
    accounts,
    certificates,
    study,
    deviations,
    radiotherapy,
    eligibility,
    randomization,
    corrections,
    visits,
    exposures,
    discontinuations,
    gradings,
    adjudications,
    endpoint,
    adverse_events,
    case_reports,
    deadlines,
    submissions,
    stopping_rules,
    terms,
    labels,
    reference_documents,
    queries,
    verifications,
    locks,
    reports,
    exports,
    events,
    webhooks,
    audit,
    system,
)


class Application(openapi.Documented):
    """The application, readable for pages of the origins that the settings name."""

    def openapi(self) -> dict[str, Any]:
        """The document as it is published."""
        if self.openapi_schema is None:
            complete(super().openapi())
        return super().openapi()

    def build_middleware_stack(self) -> ASGIApp:
        """Put CORS around all else: Starlette would leave it out of the answer to a failure."""
        settings: Settings = self.state.settings
        return CrossOrigin(
            super().build_middleware_stack(), settings.cors_origins, this_machine=settings.sandbox
        )


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for the settings at hand, or those of the environment.

    Raises:
        MissingSetting: a production start lacks a setting; names it.
        ProtocolMistake: the protocol document has a mistake; names the field.
    """
    settings = settings or Settings()
    if not settings.sandbox:
        settings.require_production()
    logs.configure()
    app = Application(
        title="Trial API",
        summary="The service that runs a multi-centre clinical trial over a JSON API",
        description=DESCRIPTION,
        version=version("trial-api"),
        contact={"name": "The data management of this installation"},
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        openapi_tags=TAGS,
        lifespan=_lifespan,
        generate_unique_id_function=openapi.operation_id,
        redirect_slashes=False,
    )
    _furnish(app, settings)
    app.state.description = Description(app.openapi)
    errors.install(app)
    if settings.sandbox:
        app.state.gate, app.state.stage = Gate(), NoStage()
        app.add_middleware(Gated, gate=app.state.gate)
    app.add_middleware(logs.AccessLog)
    app.add_middleware(
        CorrelationIdMiddleware,
        validator=lambda given: logs.REQUEST_ID.fullmatch(given) is not None,
        generator=lambda: uuid.uuid4().hex,
        transformer=lambda given: given,
    )
    for router in ROUTERS:
        app.include_router(router)
    if settings.sandbox:
        app.include_router(sandbox)
    return app


def _furnish(app: FastAPI, settings: Settings) -> None:
    """What the routes find in `app.state`."""
    if settings.database_url is None:
        raise MissingSetting("TRIAL_DATABASE_URL is missing")
    if unknown := settings.totp_roles - set(Role):
        raise MissingSetting(f"TRIAL_TOTP_ROLES: the trial has no role {min(unknown)}")
    loaded = load(settings.protocol_document)
    issuer = TokenIssuer(
        keys=_signing_keys(settings),
        issuer=settings.issuer,
        audience=settings.audience,
        seconds=settings.token_seconds,
    )
    app.state.settings = settings
    app.state.loaded = loaded
    app.state.randomization_secret = _randomization_secret(settings, loaded.protocol)
    app.state.clock = Clock(ZoneInfo(loaded.protocol.study.time_zone))
    app.state.issuer = issuer
    sites = [site.code for site in loaded.protocol.sites]
    app.state.tokens = TokenCache(issuer, OutsideIssuer.of(settings, sites))
    database_url = settings.database_url.get_secret_value()
    app.state.database = Database(database_url, settings.pool_size)
    app.state.watch = SessionWatch(database_url)


def _randomization_secret(settings: Settings, protocol: Protocol) -> SecretFile:
    if settings.randomization_secret_file is None:
        raise MissingSetting("TRIAL_RANDOMIZATION_SECRET_FILE is missing")
    design = Design.of(protocol.randomization)
    return SecretFile(settings.randomization_secret_file, design, sandbox=settings.sandbox)


def _signing_keys(settings: Settings) -> KeyRing:
    if settings.signing_key_file is None:
        raise MissingSetting("TRIAL_SIGNING_KEY_FILE is missing")
    try:
        return KeyRing(settings.signing_key_file)
    except UnusableKeys:
        raise MissingSetting(
            "TRIAL_SIGNING_KEY_FILE: the file must hold unencrypted EC P-256 keys in PEM"
        ) from None


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Publish protocol and list on the first start; close the pool at the end."""
    state = app.state
    setup.prepare(
        state.database, state.settings, state.loaded, state.randomization_secret, state.clock
    )
    state.streams = Streams(state.settings, lambda: state.database)
    with app.state.watch:
        yield {
            sending.STATE: state.settings.send_seconds,
            sending.AT_STOP: state.streams.close,
        }
    await state.streams.watch.ended()
    app.state.database.close()
