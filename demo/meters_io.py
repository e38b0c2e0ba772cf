"""The meters of the town on real Modbus sockets: one port per gateway, one unit per meter."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from demo.consumption import MeterModel, models_of, supply_of
from demo.faults import Fault, is_silent, true_profile
from demo.faults_io import TruthFile
from demo.town import Town
from demo.town_meters import Meter, MeterId
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from firmware_profiles.probe import MeantMeter
from firmware_profiles.profile import Profile, wire_registers
from firmware_profiles.simulator_io import (
    Answer,
    NoAnswer,
    SimulatedLink,
    SimulatedLinks,
    words_of,
)
from wire_contracts.clock import Clock
from wire_contracts.quantities import Quantity

REFRESH = timedelta(seconds=30)
"""How often a meter renews its registers, in its own time: usual meters do so every 1 to 60 s
(`min_refresh_s` of the register maps)."""

LOOK_FOR_FAULTS_EVERY_S = 0.2
"""Machine seconds between two looks at the truth file."""


class TownMeters:
    """All meters of the town, answering behind their gateways' ports; a context manager.

    The words are computed from the clock at every request, under the faults of the truth file as
    it stands: a fault that is appended while they run shows within a second.
    """

    def __init__(
        self, town: Town, clock: Clock, truth: TruthFile, ports: Mapping[str, int] | None = None
    ) -> None:
        """Prepare the links; nothing listens before `start`.

        Args:
            town: The town.
            clock: The town's clock.
            truth: What is wrong with which meter.
            ports: Gateway id to wanted port; a gateway that is left out gets a free one.
        """
        self._clock = clock
        self._truth = TruthWatch(town, truth)
        self._profiles: dict[str, Profile] = {}
        self._images: dict[MeterId, tuple[datetime, Mapping[tuple[int, int], int]]] = {}
        wanted = ports or {}
        self._links = SimulatedLinks(
            [
                SimulatedLink(
                    name=box.gateway_id,
                    answer=self._answer_of(town.meters_of(box.gateway_id)),
                    port=wanted.get(box.gateway_id, 0),
                )
                for box in town.gateways
            ]
        )

    def start(self) -> Mapping[str, int]:
        """Listen; return gateway id to port. Raises OSError when a wanted port is taken."""
        return self._links.start()

    def stop(self) -> None:
        """Close every socket."""
        self._links.stop()

    def __enter__(self) -> Self:
        """Start listening."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self.stop()

    @property
    def ports(self) -> Mapping[str, int]:
        """Gateway id to the port on which its meters answer."""
        return self._links.ports

    def _answer_of(self, meters: Sequence[Meter]) -> Answer:
        by_unit = {meter.device_address: meter for meter in meters}

        def answer(unit: int, function: int, address: int, count: int) -> Sequence[int]:
            meter = by_unit.get(unit)
            if meter is None:
                raise NoAnswer
            return words_of(self._image(meter), function, address, count)

        return answer

    def _image(self, meter: Meter) -> Mapping[tuple[int, int], int]:
        now_utc = self._clock.now_utc()
        model = self._truth.model(meter.meter_id)
        if is_silent(model.supply.faults, now_utc):
            raise NoAnswer
        renewed_utc = now_utc - timedelta(seconds=now_utc.timestamp() % REFRESH.total_seconds())
        shown_utc, image = self._images.get(meter.meter_id, (None, {}))
        if shown_utc != renewed_utc:
            reference = true_profile(meter.profile, model.supply.faults, now_utc)
            identity = MeantMeter(device_address=meter.device_address, serial=meter.serial)
            image = _words(self._profile(reference), model.quantities(renewed_utc), identity)
            self._images[meter.meter_id] = (renewed_utc, image)
        return image

    def _profile(self, reference: str) -> Profile:
        if reference not in self._profiles:
            self._profiles[reference] = load_profile(reference)
        return self._profiles[reference]


def _words(
    profile: Profile, quantities: Mapping[Quantity, float], identity: MeantMeter
) -> Mapping[tuple[int, int], int]:
    known = wire_registers(profile)
    return encode_values(
        profile,
        {name: value for name, value in quantities.items() if name in known},
        identity=identity,
    )


class TruthWatch:
    """The models of the town's meters, kept in step with the truth file."""

    def __init__(self, town: Town, truth: TruthFile) -> None:
        """Build every model under the faults as they stand."""
        self._town = town
        self._truth = truth
        self._faults = truth.faults()
        self._look_at_s = time.monotonic() + LOOK_FOR_FAULTS_EVERY_S
        self._models = dict(models_of(town, self._faults))

    def model(self, meter_id: MeterId) -> MeterModel:
        """Return the model of a meter under the faults that the file holds now."""
        if time.monotonic() >= self._look_at_s:
            self._look_at_s = time.monotonic() + LOOK_FOR_FAULTS_EVERY_S
            self._follow(self._truth.faults())
        return self._models[meter_id]

    def _follow(self, faults: Sequence[Fault]) -> None:
        changed = {fault.meter_id for fault in set(faults) ^ set(self._faults)}
        if not changed:
            return
        self._faults = faults
        for meter in self._town.meters:
            is_parent = any(
                child.meter_id in changed
                for child in self._town.meters
                if child.parent_id == meter.meter_id
            )
            if meter.meter_id in changed or is_parent:
                self._models[meter.meter_id] = MeterModel(supply_of(self._town, meter, faults))
