"""Why a report is not drawn. Its figures are always there as JSON."""

from services.api.core.errors import ApiError


class ReportsBusy(ApiError):
    """Enough reports are being drawn.

    Ask again after the seconds in Retry-After, or for format=json, which is not drawn.
    """

    code, status = "reports_busy", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class ReportTooSlow(ApiError):
    """The report took too long to draw.

    Ask for format=json, or again when the server has less to do.
    """

    code, status = "report_too_slow", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})


class ReportsNotInstalled(ApiError):
    """Reports are not drawn here.

    Ask for format=json; whoever runs the service can install its extra named reports.
    """

    code, status = "reports_not_installed", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "3600"})
