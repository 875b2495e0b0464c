"""The first trial's protocol, read once for all tests."""

from services.api.protocol.load import load
from services.api.settings import DOCUMENTS

FIRST_TRIAL = load(DOCUMENTS / "nct07312656-1.0.yaml")
