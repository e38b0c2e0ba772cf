"""Decides how crews' findings and the budget of false alarms move what counts as an alert."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sync_server.detection.alerting.alert_book import LANE, Lane
from sync_server.detection.alerting.feedback import LEAST, MOST
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.fleet import Fleet
from wire_contracts.kinds import FAMILY, Family, Kind
from wire_contracts.quantities import Medium

SETTLED_S = 8 * 86_400
"""After a crew's finding the same condition is told again only when it has gone on for longer than
the widest window of a detector (192 h): until then the evidence is from before the finding."""

GAS_SETTLED_S = 86_400
"""The same for excess of gas: a day, because a leak that was not found kills (RULINGS R6)."""

HELD = 0.6
"""From this share of its threshold on a candidate holds an open alert (METHODS 6.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What findings taught.

    Attributes:
        by_meter: (meter, family) to the factor on its thresholds.
        by_class: (kind, medium, peer class) to the factor that holds the false-alarm budget.
        settled_s: (meter, lane) to when a crew's finding ended its alert, seconds since 1970.
    """

    by_meter: Mapping[tuple[str, Family], float] = field(default_factory=dict)
    by_class: Mapping[tuple[Kind, Medium, str], float] = field(default_factory=dict)
    settled_s: Mapping[tuple[str, Lane], int] = field(default_factory=dict)


def adapted(fleet: Fleet, candidates: Sequence[Candidate], learned: Learned) -> Sequence[Candidate]:
    """Return the candidates as they stand after what was learned; what is settled is left out."""
    if not (learned.by_meter or learned.by_class or learned.settled_s):
        return candidates
    found: list[Candidate] = []
    for candidate in candidates:
        if _is_settled(fleet, candidate, learned):
            continue
        factor = factor_for(fleet, candidate, learned)
        score = candidate.score / factor
        if score >= HELD or candidate.is_raised:
            found.append(_scaled(candidate, factor, score))
    return found


def factor_for(fleet: Fleet, candidate: Candidate, learned: Learned) -> float:
    """Return the factor on the threshold, 0.7 to 3; excess of gas is never judged less strictly."""
    spec = fleet.specs[candidate.row]
    family = FAMILY[candidate.kind]
    factor = learned.by_meter.get((spec.meter_id, family), 1.0)
    factor *= learned.by_class.get((candidate.kind, spec.medium, spec.peer_class), 1.0)
    is_gas_safety = spec.medium is Medium.GAS and family is Family.EXCESS
    return min(max(factor, LEAST), 1.0 if is_gas_safety else MOST)


def _scaled(candidate: Candidate, factor: float, score: float) -> Candidate:
    if factor == 1.0:
        return candidate
    return replace(
        candidate, score=score, threshold=candidate.threshold * factor, is_raised=score >= 1.0
    )


def _is_settled(fleet: Fleet, candidate: Candidate, learned: Learned) -> bool:
    spec = fleet.specs[candidate.row]
    settled_s = learned.settled_s.get((spec.meter_id, LANE[candidate.kind]))
    if settled_s is None or candidate.start_s >= settled_s:
        return False
    is_gas_safety = spec.medium is Medium.GAS and FAMILY[candidate.kind] is Family.EXCESS
    return candidate.at_s < settled_s + (GAS_SETTLED_S if is_gas_safety else SETTLED_S)
