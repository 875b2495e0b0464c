"""Every table, so that Alembic can compare the models with the database."""

from sqlmodel import SQLModel

from services.api.adverse_events import models as adverse_events
from services.api.core import audit, idempotency
from services.api.corrections import models as corrections
from services.api.deviations import models as deviations
from services.api.eligibility import models as eligibility
from services.api.enrolment import models as enrolment
from services.api.gradings import models as gradings
from services.api.identity import models as identity
from services.api.radiotherapy import models as radiotherapy
from services.api.randomization import models as randomization
from services.api.sandbox import models as sandbox
from services.api.study import models as study
from services.api.visits import models as visits

TABLES = (
    audit,
    idempotency,
    study,
    identity,
    enrolment,
    deviations,
    radiotherapy,
    eligibility,
    randomization,
    corrections,
    visits,
    gradings,
    adverse_events,
    sandbox,
)

metadata = SQLModel.metadata
