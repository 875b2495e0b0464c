"""Not ready to serve."""

from collections.abc import Sequence

from services.api.core.errors import ApiError, FieldError


class NotReadyToServe(ApiError):
    """The service must not be used now.

    Each item of errors names a check that failed.
    """

    code, status = "not_ready_to_serve", 503

    def __init__(self, *, errors: Sequence[FieldError]) -> None:
        super().__init__(errors=errors, headers={"Retry-After": "5"})
