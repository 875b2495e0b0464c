"""The program that draws a report: a document as JSON comes in, a page or a PDF goes out.

`python -m services.api.reports.render html|pdf`, as a process of its own: it
needs what workers should not hold in memory, and draws while they go on.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

MISSING = 3
"""How the program ends when what it draws with is not installed."""


def render(document: Mapping[str, Any], kind: str) -> bytes:
    """The document as HTML or PDF.

    Raises:
        ImportError: the extra `reports` is not installed.
    """
    from services.api.reports import plots

    if kind == "html":
        from services.api.reports.page import page

        return page(document, plots.svg)
    from services.api.reports.paper import paper

    return paper(document, plots.png)


def main() -> int:
    """Read, draw, write."""
    document = json.load(sys.stdin.buffer)
    try:
        drawn = render(document, sys.argv[1])
    except ImportError:
        return MISSING
    sys.stdout.buffer.write(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
