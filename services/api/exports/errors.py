"""Why an export is not given."""

from services.api.core.errors import ApiError


class ExportsBusy(ApiError):
    """Enough exports are being made.

    Ask again after the seconds in Retry-After.
    """

    code, status = "exports_busy", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "15"})
