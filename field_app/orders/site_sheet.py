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
    if not record.gas:
        return True
    kept_ms, gas = record.gas[-1]
    kept = TimerMoment(kept_ms) if record.gas_at is None else moment_at(record.gas_at)
    measured = kept.earlier(max(0, kept_ms - (gas.measured_at_ms or kept_ms)))
    return is_too_old(measured, TimerMoment(now_ms) if now is None else moment_at(now))


def surely_come_ms(now: DeviceTime) -> int:
    """Return the tablet's clock, or the server's at the last contact where that is later, ms."""
    return max(now.wall_ms, now.contact_ms or 0)


def _values_of(typed: Mapping[str, str], page: str) -> dict[str, str]:
    start = f"{page}."
    return {key.removeprefix(start): text for key, text in typed.items() if key.startswith(start)}
