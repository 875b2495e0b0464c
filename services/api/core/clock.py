"""Clinical time: today and now as the trial sees them.

In the sandbox it can be moved forward, so that months pass in minutes. Tokens,
audit stamps and limits never use it.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass
class Clock:
    """Real time plus an offset that is zero outside the sandbox.

    `zone` is the trial's time zone: clinical dates are its calendar dates.
    """

    zone: ZoneInfo
    offset: timedelta = field(default=timedelta(0))

    def now(self) -> datetime:
        """The clinical moment, in UTC."""
        return datetime.now(UTC) + self.offset

    def today(self) -> date:
        """The clinical calendar date where the trial takes place."""
        return self.local_date(self.now())

    def local_date(self, moment: datetime) -> date:
        """The calendar date a moment has where the trial takes place."""
        return moment.astimezone(self.zone).date()
