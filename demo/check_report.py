"""The one JSON line that `--check` ends with, and what makes it ok."""

import json
from dataclasses import asdict, dataclass, field

from demo.accounting_io import Account


@dataclass(slots=True, kw_only=True)
class LoopTimes:
    """When what happened, in seconds of the wall and of the town after the leak began.

    None means that it did not happen.
    """

    alert_wall_s: float | None = None
    alert_town_s: float | None = None
    live_wall_s: float | None = None
    ordered_town_s: float | None = None
    finished_offline_town_s: float | None = None
    order_done_town_s: float | None = None
    photos_here_town_s: float | None = None
    alert_closed_town_s: float | None = None


@dataclass(slots=True, kw_only=True)
class CheckReport:
    """What the run of the whole loop came to.

    Attributes:
        up_wall_s: From the start of the first process until the first acknowledged frame.
        setup_wall_s: What preparing the town's past took before.
        account: What was sent against what is stored.
        alerts_raised: Alerts in the database at the end.
        orders_made: Work orders at the end.
        orders_closed_by_offline_crew: Orders finished while the tablet had no network.
        photos_arrived: Photos and signatures of crews that are whole on the server's disk.
        unexpected_alerts: Alerts on meters that the town knows to be healthy.
        times: When the loop's steps happened.
        problem: Why the loop did not close, empty when it did.
    """

    town_seconds_per_wall_second: float
    setup_wall_s: float = 0.0
    up_wall_s: float = 0.0
    wall_s: float = 0.0
    town_s: float = 0.0
    account: Account | None = None
    alerts_raised: int = 0
    unexpected_alerts: int = 0
    orders_made: int = 0
    orders_closed_by_offline_crew: int = 0
    photos_arrived: int = 0
    times: LoopTimes = field(default_factory=LoopTimes)
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing was lost, nothing doubled, and the loop closed."""
        return (
            not self.problem
            and self.account is not None
            and self.account.sent > 0
            and self.account.lost == 0
            and self.account.duplicated == 0
            and self.account.refused == 0
            and self.times.alert_wall_s is not None
            and self.times.alert_closed_town_s is not None
            and self.orders_closed_by_offline_crew > 0
            and self.photos_arrived > 0
        )

    def line(self) -> str:
        """Return the report as one line of JSON."""
        account = self.account
        times = {name: _rounded(value) for name, value in asdict(self.times).items()}
        return json.dumps(
            {
                "ok": self.ok,
                "problem": self.problem,
                "counted_in": "frames",
                "readings_sent": account.sent if account else 0,
                "readings_stored": account.stored if account else 0,
                "readings_refused": account.refused if account else 0,
                "readings_lost": account.lost if account else 0,
                "readings_duplicated": account.duplicated if account else 0,
                "reading_rows": account.readings if account else 0,
                "alerts_raised": self.alerts_raised,
                "unexpected_alerts": self.unexpected_alerts,
                "orders_made": self.orders_made,
                "orders_closed_by_offline_crew": self.orders_closed_by_offline_crew,
                "photos_arrived": self.photos_arrived,
                "seconds_from_leak_to_alert": times["alert_wall_s"],
                "after_the_leak": times,
                "setup_wall_s": _rounded(self.setup_wall_s),
                "up_wall_s": _rounded(self.up_wall_s),
                "wall_s": _rounded(self.wall_s),
                "town_s": _rounded(self.town_s),
                "town_seconds_per_wall_second": self.town_seconds_per_wall_second,
            },
            ensure_ascii=False,
        )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
