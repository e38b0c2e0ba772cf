"""Decides from verdicts and open alerts which alerts to raise, to show, and to return."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync_server.alerts.alert import AlertRecord
from sync_server.alerts.priorities import is_more_severe
from sync_server.detection.simple.verdicts import State
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.kinds import FAMILY, Family, Kind

LEAST_SHARED = 3
SHARED_SHARE = 0.8
"""From three meters and four fifths of a gateway's meters on, silence has one cause: the gateway.
One alert shows it; the others are suppressed by design (ISA-18.2), not lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One rule's word on one meter."""

    meter_id: str
    rule: str
    kind: Kind
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What is to be done: raise these, return and show those alerts."""

    raised: Sequence[Spoken]
    returned: Sequence[str]
    shown: Sequence[str]


def decide(
    spoken: Sequence[Spoken], open_alerts: Sequence[AlertRecord], hidden: frozenset[str]
) -> Decisions:
    """Return what to do.

    Args:
        spoken: Every rule's word on every meter, the graver kind of a family first.
        open_alerts: Every open alert.
        hidden: Meters whose silence another meter's alert stands for.
    """
    open_by_place = {(alert.meter_id, alert.family): alert for alert in open_alerts}
    holding: set[tuple[str, Family]] = set()
    words: dict[tuple[str, str], State] = {}
    raised: list[Spoken] = []
    for word in spoken:
        place = (word.meter_id, FAMILY[word.kind])
        words[word.meter_id, word.rule] = word.state
        if word.state is State.RAISED:
            holding.add(place)
            if _is_news(word, open_by_place.get(place)):
                raised.append(word)
        elif word.state is State.HELD:
            holding.add(place)
    returned = [
        alert.alert_id
        for alert in open_alerts
        if words.get((alert.meter_id, alert.rule)) is State.CLEAR
        and (alert.meter_id, alert.family) not in holding
        and alert.condition in {Condition.UNACKNOWLEDGED, Condition.ACKNOWLEDGED}
    ]
    shown = [
        alert.alert_id
        for alert in open_alerts
        if alert.visibility is Visibility.SUPPRESSED_BY_DESIGN
        and alert.meter_id not in hidden
        and words.get((alert.meter_id, alert.rule)) is State.RAISED
    ]
    return Decisions(raised=raised, returned=returned, shown=shown)


def hidden_by_gateway(
    silent: Sequence[str], gateway_of: Mapping[str, str], shown: frozenset[str]
) -> Mapping[str, str]:
    """Return silent meter to the meter whose alert stands for it, where the gateway is the cause.

    Args:
        silent: Meters that are silent now.
        gateway_of: Every meter's gateway.
        shown: Meters with a shown alert already; one of them keeps standing for its gateway.
    """
    totals = Counter(gateway_of.values())
    by_gateway: dict[str, list[str]] = {}
    for meter_id in sorted(silent):
        by_gateway.setdefault(gateway_of[meter_id], []).append(meter_id)
    stands_for: dict[str, str] = {}
    for gateway_id, meters in by_gateway.items():
        if len(meters) < LEAST_SHARED or len(meters) < SHARED_SHARE * totals[gateway_id]:
            continue
        leader = min(meters, key=lambda meter_id: (meter_id not in shown, meter_id))
        stands_for.update((meter_id, leader) for meter_id in meters if meter_id != leader)
    return stands_for


def _is_news(word: Spoken, alert: AlertRecord | None) -> bool:
    if alert is None or alert.condition is Condition.RETURNED_UNACKNOWLEDGED:
        return True
    return is_more_severe(word.kind, alert.kind)
