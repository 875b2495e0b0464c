"""Why an export is not given."""

from services.api.core.errors import ApiError


class NoRoomForExport(ApiError):
    """The service has no room to make the export.

    Ask again after the seconds in Retry-After. If it stays so, tell the operator that the disk
    of TRIAL_SPOOL_DIR is full.
    """

    code, status = "no_room_for_export", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})


class ExportsBusy(ApiError):
    """Enough exports are being made.

    Ask again after the seconds in Retry-After.
    """

    code, status = "exports_busy", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "15"})
