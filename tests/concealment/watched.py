"""A list that remembers what was asked of it."""

from dataclasses import dataclass, field
from typing import Any, cast

from services.api.randomization.rules import AllocationList


@dataclass
class Watched:
    """Stands for a list and answers as it does."""

    watched: AllocationList
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.watched, name)
        if not callable(found):
            return found

        def remembered(*given: object) -> object:
            self.asked.append((name, *given))
            return found(*given)

        return remembered

    def as_list(self) -> AllocationList:
        """What the service takes for a list."""
        return cast("AllocationList", self)
