"""What a crew sees of the work on one order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from field_app.orders.entry_gate import Detector, is_too_old
from field_app.orders.moments import TimerMoment, moment_at
from field_app.orders.safety_steps import StepPlan, steps_offered
from field_app.orders.work_record import WorkRecord
from field_app.store.saved_at import Place
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import WorkOrderDocument
from wire_contracts.van import Van


@dataclass(frozen=True, slots=True, kw_only=True)
class GasTold:
    """Gas in a finding or a checklist, % LEL: when it was typed or told, and at which place."""

    lel_pct: float
    at_ms: int
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSheet:
    """Everything about the work on one order.

    Attributes:
        typed: What was typed and not sealed yet, by `<page>.<field>`.
        detector: The one in use; where the office lists it, its calibration is the office's word.
        now_ms: The tablet's wall clock at the reading.
        now: The same moment by every clock.
        elapsed_ms: The same by the clock that nobody sets, of the boot that `now` names.
        van: What the crew has with it.
        photos: Photos and signatures of the order on this tablet.
        gas_elsewhere: Gas in findings and checklists.
    """

    order_id: str
    document: WorkOrderDocument
    record: WorkRecord
    typed: Mapping[str, str]
    detector: Detector
    now_ms: int
    now: DeviceTime | None = None
    elapsed_ms: int | None = None
    van: Van = field(default_factory=Van)
    photos: int = 0
    saved_at_ms: int | None = None
    gas_elsewhere: Sequence[GasTold] = ()

    @property
    def passed_ms(self) -> int:
        """Return the latest moment that has surely come: the clock may have fallen back."""
        return self.now_ms if self.now is None else surely_come_ms(self.now)

    @property
    def moment(self) -> TimerMoment:
        """Return the moment of the reading as the clocks of steps are read by it."""
        boot_id = "" if self.now is None else self.now.boot_id
        return TimerMoment(self.now_ms, self.elapsed_ms, boot_id)

    @property
    def plans(self) -> Sequence[StepPlan]:
        """Return the steps that this order offers."""
        return steps_offered(self.document.order_type, self.document.medium)

    @property
    def is_air_old(self) -> bool:
        """Return whether the newest measurement of the air says nothing of it now."""
        return _is_air_old(self.record, self.now_ms, self.now)

    def values_of(self, page: str) -> dict[str, str]:
        """Return what was typed on one page, by field."""
        return _values_of(self.typed, page)


@dataclass(frozen=True, slots=True, kw_only=True)
class WellSheet:
    """What is known of the air at a stop of a round; its attributes are those of `SiteSheet`."""

    record: WorkRecord
    typed: Mapping[str, str]
    detector: Detector
    now_ms: int
    passed_ms: int
    van: Van
    now: DeviceTime | None = None
    saved_at_ms: int | None = None

    @property
    def is_air_old(self) -> bool:
        """Return whether the newest measurement of the air says nothing of it now."""
        return _is_air_old(self.record, self.now_ms, self.now)

    def values_of(self, page: str) -> dict[str, str]:
        """Return what was typed on one page, by field."""
        return _values_of(self.typed, page)


def _is_air_old(record: WorkRecord, now_ms: int, now: DeviceTime | None) -> bool:
    """Return whether the air was measured last too long ago, by the clock that says longer."""
    now_at = TimerMoment(now_ms) if now is None else moment_at(now)
    return not record.gas or is_too_old(_measured_at(record, -1), now_at)


def was_entry_allowed(record: WorkRecord, at: TimerMoment) -> bool:
    """Return whether the newest test of the air before a moment let people in, and was fresh."""
    before = [
        (measured, gas)
        for number, (_, gas) in enumerate(record.gas, start=-len(record.gas))
        if at.age_ms(measured := _measured_at(record, number)) > 0 or not is_too_old(measured, at)
    ]
    if not before:
        return False
    measured, gas = before[-1]
    return gas.is_entry_allowed is True and not is_too_old(measured, at)


def _measured_at(record: WorkRecord, number: int) -> TimerMoment:
    """Return when a measurement was made; only of the newest (-1) every clock is known."""
    kept_ms, gas = record.gas[number]
    is_known = number == -1 and record.gas_at is not None
    kept = moment_at(record.gas_at) if is_known and record.gas_at else TimerMoment(kept_ms)
    return kept.earlier(max(0, kept_ms - (gas.measured_at_ms or kept_ms)))


def surely_come_ms(now: DeviceTime) -> int:
    """Return the tablet's clock, or the server's at the last contact where that is later, ms."""
    return max(now.wall_ms, now.contact_ms or 0)


def _values_of(typed: Mapping[str, str], page: str) -> dict[str, str]:
    start = f"{page}."
    return {key.removeprefix(start): text for key, text in typed.items() if key.startswith(start)}
