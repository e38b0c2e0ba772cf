"""Decides which candidates of a replay are news: what was said before is not said again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sync_server.detection.alerting.alert_book import LANE, Lane
from sync_server.detection.meters.candidates import Candidate

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

    def restated(self, replayed: Sequence[Candidate]) -> Sequence[Candidate]:
        """Return what a replay says of a known state otherwise than before: it began elsewhere.

        The first word on each state counts: later ones only hold it.
        """
        found: dict[tuple[str, Lane, int], Candidate] = {}
        for each in sorted(replayed, key=lambda one: (one.at_s, one.start_s)):
            place = (each.meter_id, LANE[each.kind])
            known = [
                start for start in self.starts.get(place, ()) if abs(start - each.start_s) < _SAME_S
            ]
            if each.is_raised and known and each.start_s not in known:
                found.setdefault((*place, min(known)), each)
        return list(found.values())

    def unsaid(
        self, replayed: Sequence[Candidate], meter_ids: Iterable[str], since_s: int
    ) -> Sequence[tuple[str, Lane]]:
        """Return the lanes of these meters that spoke after an instant and are silent in a replay.

        Silence of the line is told by arrivals, which no replay can change.
        """
        spoken = {(each.meter_id, LANE[each.kind]) for each in replayed}
        wanted = set(meter_ids)
        return [
            place
            for place, starts in self.starts.items()
            if place[0] in wanted
            and place[1] is not Lane.GAP
            and place not in spoken
            and min(starts.values()) > since_s
        ]

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
