"""Decides how the false alarms that crews found move the threshold of a whole class."""

from dataclasses import dataclass

from sync_server.detection.alerting.feedback import LEAST, MOST

BUDGET_PER_1000_MD = 1.0
"""False alarms per 1000 meter-days that a class may cost (METHODS 3: 50 a day at 50,000 meters)."""

LEAST_LABELS = 5
"""Findings that make a measurement; with fewer a person decides (judgement)."""

STEP_UP, STEP_DOWN = 1.1, 0.97
"""Up quickly, down slowly: a week of false alarms costs trust, a week of caution little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCount:
    """What crews found of one kind in one medium and class, over so many meter-days."""

    confirmed: int
    false: int
    meter_days: float

    @property
    def false_per_1000_md(self) -> float | None:
        """Return the false alarms per 1000 meter-days, None while too little was looked at."""
        if self.confirmed + self.false < LEAST_LABELS or self.meter_days <= 0:
            return None
        return self.false / self.meter_days * 1000.0


def next_factor(factor: float, count: ClassCount) -> float:
    """Return the class's next factor, 0.7 to 3: over the budget stricter, well below it finer."""
    rate = count.false_per_1000_md
    if rate is None:
        return factor
    if rate > BUDGET_PER_1000_MD:
        return min(factor * STEP_UP, MOST)
    if rate < BUDGET_PER_1000_MD / 2:
        return max(factor * STEP_DOWN, LEAST)
    return factor
