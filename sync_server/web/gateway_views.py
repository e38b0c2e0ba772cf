"""What the page of the gateways shows of a gateway's own health, as plain text."""

from dataclasses import dataclass
from datetime import datetime

from sync_server.web.words import Words, age, mark, number
from wire_contracts.gateway_health import GatewayHealth

BUSY_LOAD = 0.9
"""Share of the time from which a line is called busy: beyond it the slowest reads are stretched."""

_MOST_NAMES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """A gateway's health in one reader's words.

    Attributes:
        waiting: Age of the oldest frame that waits for the server; empty: none waits.
        load: Load of its busiest line, such as `46 %`; empty: not said.
        is_busy: Whether that line has no time left.
        late: Share of its frames that came late, such as `3 %`; empty: not said.
        late_answers: Answers of meters that came after their time-out and were set right.
        probes: Requests by which that was made sure, for whoever points at the number.
        silent_count: Meters that have stopped answering.
        silent_names: Their serials, for whoever points at the number.
        settings: Which revision is in force, in words.
    """

    waiting: str
    load: str
    is_busy: bool
    late: str
    late_answers: int
    probes: str
    silent_count: int
    silent_names: str
    settings: str


def health_view(health: GatewayHealth, words: Words, now_utc: datetime) -> HealthView:
    """Return what the page shows; ages count to now, because an old message grows older."""
    oldest = health.queue.oldest_at_utc
    load = max((link.load for link in health.links if link.load is not None), default=None)
    silent = health.silent_meters()
    return HealthView(
        waiting="" if oldest is None else age(now_utc - oldest),
        load=_percent(load),
        is_busy=load is not None and load >= BUSY_LOAD,
        late=_percent(health.uplink.late_share()),
        late_answers=sum(link.late_answers for link in health.links),
        probes=words.gettext(mark("%(n)s probes"))
        % {"n": number(sum(link.probes for link in health.links))},
        silent_count=len(silent),
        silent_names=", ".join(silent[:_MOST_NAMES]) + (" …" if len(silent) > _MOST_NAMES else ""),
        settings=_settings(health, words),
    )


def _percent(share: float | None) -> str:
    """Return a share in words; what is more than none is never shown as none."""
    if share is None:
        return ""
    return "< 1 %" if 0 < share < 0.01 else f"{number(round(100 * share))} %"  # noqa: PLR2004  # one in a hundred


def _settings(health: GatewayHealth, words: Words) -> str:
    settings = health.settings
    if settings.is_on_trial:
        text = words.gettext(mark("revision %(n)s, on trial"))
        return text % {"n": settings.revision}
    if settings.revision:
        return words.gettext(mark("revision %(n)s")) % {"n": settings.revision}
    return words.gettext(mark("own file"))
