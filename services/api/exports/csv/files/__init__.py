"""The files of the CSV export, column by column: who reads one reads what the trial holds.

A file has the current version of each record; what was recorded before, and
why it was changed, stands in `superseded`. The dictionary is made of the same
tables, so no column is without its meaning.
"""

from services.api.exports.csv.column import File
from services.api.exports.csv.files.eligibility import CRITERIA, ELIGIBILITY, FACTS
from services.api.exports.csv.files.endpoint import ENDPOINTS
from services.api.exports.csv.files.gradings import ADJUDICATIONS, GRADINGS
from services.api.exports.csv.files.randomization import CORRECTIONS, RANDOMIZATIONS
from services.api.exports.csv.files.review import LOCKS, QUERIES
from services.api.exports.csv.files.safety import ADVERSE_EVENTS, DEADLINES, SUBMISSIONS
from services.api.exports.csv.files.signatures import SIGNATURES
from services.api.exports.csv.files.subjects import CONSENTS, SUBJECTS
from services.api.exports.csv.files.superseded import SUPERSEDED
from services.api.exports.csv.files.treatment import (
    DISCONTINUATIONS,
    EXPOSURES,
    INTERRUPTIONS,
    RADIOTHERAPY,
)
from services.api.exports.csv.files.visits import DEVIATIONS, VISITS

FILES: tuple[File, ...] = (
    SUBJECTS,
    CONSENTS,
    ELIGIBILITY,
    CRITERIA,
    FACTS,
    RADIOTHERAPY,
    INTERRUPTIONS,
    RANDOMIZATIONS,
    CORRECTIONS,
    VISITS,
    GRADINGS,
    ADJUDICATIONS,
    EXPOSURES,
    DISCONTINUATIONS,
    DEVIATIONS,
    ADVERSE_EVENTS,
    SUBMISSIONS,
    DEADLINES,
    QUERIES,
    LOCKS,
    SIGNATURES,
    ENDPOINTS,
    SUPERSEDED,
)
