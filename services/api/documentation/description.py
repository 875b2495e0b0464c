"""The OpenAPI document of a running service, in the forms that the pages need, each made once."""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

from services.api.documentation.assets import Asset
from services.api.documentation.problems import Answering, answering


class Description:
    """The document that `describe` makes."""

    def __init__(self, describe: Callable[[], dict[str, Any]]) -> None:
        self._describe = describe

    @cached_property
    def served(self) -> Asset:
        """The document as it is sent."""
        text = json.dumps(self._describe(), ensure_ascii=False, separators=(",", ":"))
        return Asset(text.encode(), "application/json")

    @cached_property
    def answering(self) -> Answering:
        """By a problem's code, the operations that answer it."""
        return answering(self._describe())
