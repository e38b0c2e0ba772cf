"""The gate of a stop on a round: the same test of the air as at an order, kept with the stop."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from typing_extensions import override

from field_app.orders.entry_gate import Detector
from field_app.orders.moments import TimerMoment
from field_app.orders.site_sheet import WellSheet
from field_app.presenters.air_page import AirPage
from field_app.presenters.ports import Words
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.sheet_views import RowAction, RowLine, RowsBlock
from field_app.presenters.views import Tone
from field_app.store.round_records import record_of
from wire_contracts.patrols import Checkpoint, CheckpointKind, Measure, ValueLimit
from wire_contracts.site_facts import GasMeasurement

GATE: Final = "gate"
"""The page that the row of a stop opens."""

_ENTERED: Final = frozenset({CheckpointKind.VALVE_WELL, CheckpointKind.SUBSTATION})
"""What people climb down into or shut behind them."""


def stop_record(run_id: str, checkpoint_id: str) -> str:
    """Return under which record photos and air of one stop are kept."""
    return record_of(f"{run_id}/{checkpoint_id}")


def is_entered(checkpoint: Checkpoint) -> bool:
    """Return whether the stop is of a kind into which people go."""
    return checkpoint.kind in _ENTERED


def gate_rows(t: Words, checkpoint: Checkpoint, air: WellSheet) -> list[RowsBlock]:
    """Return the row that leads to the gate; nothing where nobody goes in."""
    if not is_entered(checkpoint):
        return []
    detail, tone = t("Measure first"), Tone.WARN
    if air.record.gas:
        if not air.record.gas[-1][1].is_entry_allowed:
            detail, tone = t("Nobody went in"), Tone.DANGER
        elif not air.is_air_old:
            detail, tone = t("Entry allowed"), Tone.OK
    line = RowLine(
        key=GATE,
        title=t("Gas test before entry"),
        detail=detail,
        icon="air-filter",
        tone=tone,
        actions=(RowAction(key=GATE, text=t("Measure"), icon="air-filter", kind="tonal"),),
    )
    return [RowsBlock(key="entry", title="", lines=(line,))]


def has_too_much_gas(limits: Sequence[ValueLimit], lel_pct: float | None) -> bool:
    """Return whether gas that a gate or a form tells of lies above what the stop allows."""
    highs = [each.high for each in limits if each.measure is Measure.GAS_LEL_PCT]
    return lel_pct is not None and any(high is not None and lel_pct > high for high in highs)


def has_nobody_entered(air: WellSheet) -> bool:
    """Return whether the last test of the air before this stop let nobody in."""
    return bool(air.record.gas) and not air.record.gas[-1][1].is_entry_allowed


class StopGatePage(AirPage[WellSheet]):
    """The gate of one stop."""

    is_of_round = True

    def __init__(self, parts: RoundParts, run_id: str, checkpoint_id: str) -> None:
        """Guard the well of one checkpoint of a run."""
        super().__init__(parts.context)
        self._parts = parts
        self._run_id = run_id
        self._checkpoint_id = checkpoint_id
        self._record = stop_record(run_id, checkpoint_id)

    @override
    def read(self) -> WellSheet | None:
        """Return what is known of the air there, None when the tablet knows the stop no more."""
        known = self._parts.desk.checkpoints()
        return self._parts.site.well(self._record) if self._checkpoint_id in known else None

    @override
    def typed_before(self, data: WellSheet) -> Mapping[str, str]:
        """Return what was typed; the well is that of the stop until another one is named."""
        return {"place": self._name(), **super().typed_before(data)}

    @override
    def _save(self, answers: Mapping[str, str]) -> int | None:
        return self._parts.site.keep(self._record, GATE, answers)

    @override
    def _moment(self) -> TimerMoment:
        return self._parts.site.moment()

    @override
    def _subtitle(self, data: WellSheet) -> str:
        del data
        return self._name()

    @override
    def _measured(self, detector: Detector | None, gas: GasMeasurement) -> None:
        if detector is not None:
            self._parts.site.use_detector(detector)
        here = replace(gas, run_id=self._run_id, checkpoint_id=self._checkpoint_id)
        self._parts.site.measure_well(self._record, here)

    def _name(self) -> str:
        checkpoint = self._parts.desk.checkpoints().get(self._checkpoint_id)
        return "" if checkpoint is None else checkpoint.name.in_language(self.t.language)
