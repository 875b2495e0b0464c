"""The client: every operation, and the feed that one follows."""

import time
from collections.abc import Iterator

from trial_client.models import EventRead, EventType
from trial_client.operations import Operations


class Trial(Operations):
    """One installation of the trial API, as one caller."""

    def feed(
        self,
        *,
        after: str | None = None,
        type: EventType | None = None,  # noqa: A002 -- the API names it so
        pause: float | None = 5.0,
    ) -> Iterator[EventRead]:
        """What happens, in its order, without end: `pause` seconds between two looks.

        Keep the `id` of the last event that you have worked through, and give it
        as `after` when you start again: nothing is missed, nothing comes twice.
        With `pause=None` it ends when there is no more for now.
        """
        while True:
            page = self.list_events(after=after, type=type, limit=200).body
            for event in page["items"]:
                yield event
                after = event["id"]
            if page["next_cursor"] is None:
                if pause is None:
                    return
                time.sleep(pause)
