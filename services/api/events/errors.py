"""Why events are not streamed."""

from services.api.core.errors import ApiError


class TooManyStreams(ApiError):
    """Your account has as many streams of events open as it may.

    Close one, or ask again after the seconds in Retry-After. One stream is
    enough for a program: let it tell all its screens.
    """

    code, status = "too_many_streams", 429

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "10"})


class StreamsBusy(ApiError):
    """Enough streams of events are open.

    Ask again after the seconds in Retry-After, and read the feed in pages
    until then: it holds the same events.
    """

    code, status = "streams_busy", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "15"})
