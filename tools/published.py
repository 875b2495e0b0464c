"""Tells whether openapi/openapi.json may be published after the document that callers have.

`trial openapi --against FILE` asks the same of the code itself and of any document; this reads
files alone, and is quick.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from services.api.contract.publication import objections

ROOT = Path(__file__).parents[1]
CURRENT = ROOT / "openapi" / "openapi.json"
PUBLISHED = ROOT / "openapi" / "published" / "openapi.json"
CHANGELOG = ROOT / "CHANGELOG.md"


def main() -> int:
    """Print every objection; 1 if there is any."""
    published, current = (json.loads(path.read_text()) for path in (PUBLISHED, CURRENT))
    found = objections(published, current, CHANGELOG.read_text(), datetime.now(UTC))
    for objection in found:
        sys.stderr.write(f"{objection}\n")
    if found:
        sys.stderr.write("The rule stands in services/api/contract/publication.py.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
