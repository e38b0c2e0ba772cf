"""Decides which candidates of a replay are news: what was said before is not said again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sync_server.detection.alert_book import LANE, Lane
from sync_server.detection.candidates import Candidate

_SAME_S = 86_400
"""A state whose start differs by less than a day is the same one."""


@dataclass(slots=True)
class Said:
    """The starts of what was said of each meter and lane, as far back as a replay may reach."""

    starts: dict[tuple[str, Lane], dict[int, int]] = field(default_factory=dict)

    def note(self, candidates: Iterable[Candidate]) -> None:
        """Remember what was said."""
        for each in candidates:
            self.starts.setdefault((each.meter_id, LANE[each.kind]), {})[each.start_s] = each.at_s

    def forget_before(self, at_s: int) -> None:
        """Forget what was last said before an instant."""
        for place, starts in list(self.starts.items()):
            kept = {start: at for start, at in starts.items() if at >= at_s}
            if kept:
                self.starts[place] = kept
            else:
                del self.starts[place]

    def news(self, replayed: Sequence[Candidate], now_s: int) -> Sequence[Candidate]:
        """Return what a replay says and nobody said before; it is known as of now."""
        return [
            replace(each, at_s=max(each.at_s, now_s))
            for each in replayed
            if not any(
                abs(start - each.start_s) < _SAME_S
                for start in self.starts.get((each.meter_id, LANE[each.kind]), ())
            )
        ]
