"""Every table, so that Alembic can compare the models with the database."""

from sqlmodel import SQLModel

from services.api.adjudications import models as adjudications
from services.api.adverse_events import models as adverse_events
from services.api.certificates import models as certificates
from services.api.core import audit, idempotency
from services.api.core import events as feed
from services.api.corrections import models as corrections
from services.api.deadlines import models as deadlines
from services.api.deviations import models as deviations
from services.api.discontinuations import models as discontinuations
from services.api.eligibility import models as eligibility
from services.api.enrolment import models as enrolment
from services.api.events import models as events
from services.api.exposures import models as exposures
from services.api.gradings import models as gradings
from services.api.identity import models as identity
from services.api.locks import models as locks
from services.api.queries import models as queries
from services.api.radiotherapy import models as radiotherapy
from services.api.randomization import models as randomization
from services.api.reference_documents import models as reference_documents
from services.api.sandbox import models as sandbox
from services.api.stopping_rules import models as stopping_rules
from services.api.study import models as study
from services.api.verifications import models as verifications
from services.api.visits import models as visits
from services.api.webhooks import models as webhooks

TABLES = (
    audit,
    idempotency,
    feed,
    events,
    study,
    identity,
    certificates,
    enrolment,
    deviations,
    radiotherapy,
    eligibility,
    randomization,
    corrections,
    visits,
    exposures,
    discontinuations,
    adjudications,
    gradings,
    reference_documents,
    adverse_events,
    deadlines,
    stopping_rules,
    queries,
    verifications,
    locks,
    webhooks,
    sandbox,
)

metadata = SQLModel.metadata
