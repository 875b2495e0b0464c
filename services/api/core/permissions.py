"""The delegation log, as data: which role may do what. `tests/access/matrix.csv` mirrors it."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """Who acts. The first five are bound to one or more sites, the others to none or to all."""

    INVESTIGATOR = "investigator"
    COORDINATOR = "coordinator"
    ASSESSOR = "assessor"
    MONITOR = "monitor"
    HOSPITAL_SYSTEM = "hospital_system"
    DATA_MANAGER = "data_manager"
    SAFETY_OFFICER = "safety_officer"
    STATISTICIAN = "statistician"
    DMC = "dmc"
    AUDITOR = "auditor"
    ADMIN = "admin"


SITE_BOUND = frozenset(
    {Role.INVESTIGATOR, Role.COORDINATOR, Role.ASSESSOR, Role.MONITOR, Role.HOSPITAL_SYSTEM}
)
WITHOUT_CLINICAL_DATA = frozenset({Role.ADMIN, Role.DMC})
"""Trial-wide roles that see no subject: their row-level security context holds no site."""


class Action(StrEnum):
    """One name per operation: the grant, the scope in a token, the row of the test matrix."""

    READ_HEALTH = "health:read"
    READ_DOCUMENTATION = "documentation:read"
    SIGN_IN = "session:create"
    SIGN_OUT = "session:end"
    CHANGE_PASSWORD = "password:change"
    ENROL_TOTP = "totp:enrol"
    READ_KEYS = "keys:read"
    READ_SELF = "self:read"
    READ_USERS = "users:read"
    CREATE_USER = "users:create"
    CHANGE_USER = "users:change"
    READ_CLIENTS = "clients:read"
    CREATE_CLIENT = "clients:create"
    CHANGE_CLIENT = "clients:change"
    READ_AUDIT = "audit:read"
    READ_CHECKPOINTS = "checkpoints:read"
    MOVE_CLOCK = "clock:move"
    READ_STUDY = "study:read"
    READ_ACTIVATIONS = "activations:read"
    ACTIVATE_SITE = "activations:create"
    READ_SUBJECTS = "subjects:read"
    CREATE_SUBJECT = "subjects:create"
    CHANGE_SUBJECT = "subjects:change"
    READ_CONSENTS = "consents:read"
    RECORD_CONSENT = "consents:create"
    READ_ELIGIBILITY = "eligibility:read"
    RECORD_ELIGIBILITY = "eligibility:record"
    SIGN_ELIGIBILITY = "eligibility:sign"
    READ_RADIOTHERAPY = "radiotherapy:read"
    RECORD_RADIOTHERAPY = "radiotherapy:record"
    READ_DEVIATIONS = "deviations:read"
    RECORD_DEVIATION = "deviations:create"
    READ_EXPOSURES = "exposures:read"
    RECORD_EXPOSURE = "exposures:record"
    READ_DISCONTINUATION = "discontinuation:read"
    RECORD_DISCONTINUATION = "discontinuation:record"
    READ_COMMITMENT = "commitment:read"
    READ_PROOF = "proofs:read"
    READ_RANDOMIZATION = "randomization:read"
    RANDOMIZE = "randomization:create"
    READ_CORRECTIONS = "corrections:read"
    RECORD_CORRECTION = "corrections:create"
    READ_VISITS = "visits:read"
    RECORD_VISIT = "visits:record"
    READ_GRADINGS = "gradings:read"
    GRADE = "gradings:create"
    CORRECT_GRADING = "gradings:correct"
    SIGN_GRADING = "gradings:sign"
    READ_CERTIFICATES = "certificates:read"
    CERTIFY = "certificates:record"
    READ_ADJUDICATIONS = "adjudications:read"
    ADJUDICATE = "adjudications:decide"
    READ_ENDPOINT = "endpoint:read"
    READ_ADVERSE_EVENTS = "adverse_events:read"
    REPORT_ADVERSE_EVENT = "adverse_events:create"
    CORRECT_ADVERSE_EVENT = "adverse_events:correct"
    SIGN_ADVERSE_EVENT = "adverse_events:sign"
    READ_REFERENCE_DOCUMENTS = "reference_documents:read"
    PUBLISH_REFERENCE_DOCUMENT = "reference_documents:create"
    READ_DEADLINES = "deadlines:read"
    READ_SUBMISSIONS = "submissions:read"
    RECORD_SUBMISSION = "submissions:record"
    READ_CASE_REPORTS = "case_reports:read"
    READ_STOPPING_RULES = "stopping_rules:read"
    READ_EVENTS = "events:read"
    READ_WEBHOOKS = "webhooks:read"
    CREATE_WEBHOOK = "webhooks:create"
    CHANGE_WEBHOOK = "webhooks:change"
    READ_RANDOMIZATION_REPORT = "randomization_report:read"
    READ_REPORTS = "reports:read"
    READ_ARM_REPORTS = "arm_reports:read"
    READ_EXPORTS = "exports:read"
    READ_QUERIES = "queries:read"
    RAISE_QUERY = "queries:create"
    CHANGE_QUERY = "queries:change"
    READ_VERIFICATIONS = "verifications:read"
    VERIFY_SOURCE = "verifications:create"
    READ_LOCKS = "locks:read"
    SET_LOCK = "locks:set"


PUBLIC = frozenset(
    {
        Action.READ_HEALTH,
        Action.READ_DOCUMENTATION,
        Action.SIGN_IN,
        Action.SIGN_OUT,  # who holds the token may end it
        Action.CHANGE_PASSWORD,  # with the password, not with a token
        Action.ENROL_TOTP,
        Action.READ_KEYS,
        Action.READ_COMMITMENT,
        Action.MOVE_CLOCK,  # its route exists in the sandbox only
    }
)
"""Actions that need no token."""

_EVERYONE = frozenset({Action.READ_SELF, Action.READ_STUDY})
_CLINICAL_READ = frozenset(
    {
        Action.READ_ACTIVATIONS,
        Action.READ_SUBJECTS,
        Action.READ_CONSENTS,
        Action.READ_ELIGIBILITY,
        Action.READ_RADIOTHERAPY,
        Action.READ_DEVIATIONS,
        Action.READ_EXPOSURES,
        Action.READ_DISCONTINUATION,
        Action.READ_RANDOMIZATION,
        Action.READ_VISITS,
        Action.READ_GRADINGS,
        Action.READ_CERTIFICATES,
        Action.READ_ADJUDICATIONS,
        Action.READ_CORRECTIONS,
        Action.READ_ENDPOINT,
        Action.READ_ADVERSE_EVENTS,
        Action.READ_REFERENCE_DOCUMENTS,
        Action.READ_DEADLINES,
        Action.READ_SUBMISSIONS,
        Action.READ_EVENTS,
        Action.READ_RANDOMIZATION_REPORT,
        Action.READ_REPORTS,
        Action.READ_QUERIES,
        Action.READ_VERIFICATIONS,
        Action.READ_LOCKS,
    }
)
_WEBHOOKS = frozenset({Action.READ_WEBHOOKS, Action.CREATE_WEBHOOK, Action.CHANGE_WEBHOOK})
_AUDIT_READ = frozenset({Action.READ_AUDIT, Action.READ_CHECKPOINTS})
_SITE_STAFF_WRITE = frozenset(
    {
        Action.CREATE_SUBJECT,
        Action.CHANGE_SUBJECT,
        Action.RECORD_ELIGIBILITY,
        Action.RECORD_RADIOTHERAPY,
        Action.RECORD_VISIT,
        Action.REPORT_ADVERSE_EVENT,
        Action.CORRECT_ADVERSE_EVENT,
        Action.CHANGE_QUERY,
    }
)

GRANTS: Mapping[Role, frozenset[Action]] = {
    Role.INVESTIGATOR: _EVERYONE
    | _CLINICAL_READ
    | _SITE_STAFF_WRITE
    | _AUDIT_READ
    | {
        Action.RECORD_CONSENT,
        Action.SIGN_ELIGIBILITY,
        Action.RECORD_DEVIATION,
        Action.RECORD_EXPOSURE,
        Action.RECORD_DISCONTINUATION,
        Action.RANDOMIZE,
        Action.GRADE,
        Action.CORRECT_GRADING,
        Action.SIGN_GRADING,
        Action.ADJUDICATE,
        Action.SIGN_ADVERSE_EVENT,
        Action.READ_CASE_REPORTS,
    },
    Role.COORDINATOR: _EVERYONE
    | _CLINICAL_READ
    | _SITE_STAFF_WRITE
    | {Action.RECORD_CONSENT, Action.RECORD_DEVIATION, Action.RECORD_EXPOSURE},
    Role.ASSESSOR: _EVERYONE
    | {
        Action.READ_SUBJECTS,
        Action.READ_RADIOTHERAPY,
        Action.READ_RANDOMIZATION,
        Action.READ_VISITS,
        Action.RECORD_VISIT,
        Action.READ_GRADINGS,
        Action.READ_CERTIFICATES,
        Action.GRADE,
        Action.CORRECT_GRADING,
        Action.SIGN_GRADING,
        Action.READ_QUERIES,  # those about their own gradings
        Action.CHANGE_QUERY,
        Action.READ_LOCKS,
    },
    Role.MONITOR: _EVERYONE
    | _CLINICAL_READ
    | _AUDIT_READ
    | {
        Action.RECORD_DEVIATION,
        Action.RAISE_QUERY,
        Action.CHANGE_QUERY,
        Action.VERIFY_SOURCE,
    },
    Role.HOSPITAL_SYSTEM: _EVERYONE
    | _CLINICAL_READ
    | _SITE_STAFF_WRITE
    | _WEBHOOKS
    | {Action.RANDOMIZE},
    Role.DATA_MANAGER: _EVERYONE
    | _CLINICAL_READ
    | {
        Action.RECORD_CORRECTION,
        Action.CERTIFY,
        Action.READ_EXPORTS,
        Action.RAISE_QUERY,
        Action.CHANGE_QUERY,
        Action.SET_LOCK,
    },
    Role.SAFETY_OFFICER: _EVERYONE
    | _CLINICAL_READ
    | {
        Action.CORRECT_ADVERSE_EVENT,
        Action.PUBLISH_REFERENCE_DOCUMENT,
        Action.RECORD_SUBMISSION,
        Action.READ_CASE_REPORTS,
        Action.READ_STOPPING_RULES,
    },
    Role.STATISTICIAN: _EVERYONE
    | _CLINICAL_READ
    | {Action.READ_PROOF, Action.READ_ARM_REPORTS, Action.READ_EXPORTS},
    Role.DMC: _EVERYONE | {Action.READ_ARM_REPORTS, Action.READ_STOPPING_RULES, Action.READ_EVENTS},
    Role.AUDITOR: _EVERYONE
    | _CLINICAL_READ
    | _AUDIT_READ
    | {Action.READ_PROOF, Action.READ_CASE_REPORTS},
    Role.ADMIN: _EVERYONE
    | _WEBHOOKS
    | {
        Action.READ_ACTIVATIONS,
        Action.ACTIVATE_SITE,
        Action.READ_USERS,
        Action.CREATE_USER,
        Action.CHANGE_USER,
        Action.READ_CLIENTS,
        Action.CREATE_CLIENT,
        Action.CHANGE_CLIENT,
    },
}

SEES_ARM = frozenset(Role) - {Role.ASSESSOR}
"""Roles whose answers may name a subject's arm; an assessor grades without knowing it."""
