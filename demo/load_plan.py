"""Decides what very many simulated meters send, and when: each a wide reading every 15 minutes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wire_contracts.frames import Frame
from wire_contracts.quantities import Quantity

INTERVAL: Final = timedelta(minutes=15)
METERS_OF_GATEWAY: Final = 200
FRAMES_OF_BATCH: Final = 50
_BATCHES_OF_GATEWAY: Final = METERS_OF_GATEWAY // FRAMES_OF_BATCH
_WORDS: Final = bytes(range(48, 88))
"""Register words as a gateway keeps them: six values of two words and some status, 40 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """Who sends how fast.

    Attributes:
        meters: A multiple of 200, the meters of a gateway.
        factor: Seconds of the meters' time in a second of ours.
        start_utc: When the meters' time begins: so long ago that it never overtakes ours.
        epoch: Of every gateway's queue; another one for each run.
    """

    meters: int
    factor: float
    start_utc: datetime
    epoch: int

    @property
    def rows_per_s(self) -> float:
        """Return how many readings are due in a second of ours."""
        return self.meters * self.factor / INTERVAL.total_seconds()

    @property
    def gateways(self) -> int:
        """Return how many gateways there are."""
        return self.meters // METERS_OF_GATEWAY

    def due_batches(self, elapsed_s: float) -> int:
        """Return how many batches are due so many seconds of ours after the beginning."""
        return int(elapsed_s * self.rows_per_s / FRAMES_OF_BATCH)

    def gateway_of(self, number: int) -> str:
        """Return who sends a batch: the gateways one after the other, spread over 15 minutes."""
        slot = number % (self.meters // FRAMES_OF_BATCH)
        return gateway_id(slot // _BATCHES_OF_GATEWAY)

    def frames_of(self, number: int) -> Iterator[Frame]:
        """Yield the frames of a batch."""
        per_round = self.meters // FRAMES_OF_BATCH
        round_number, slot = divmod(number, per_round)
        at_utc = self.start_utc + INTERVAL * round_number + INTERVAL * slot / per_round
        gateway, share = divmod(slot, _BATCHES_OF_GATEWAY)
        first = share * FRAMES_OF_BATCH
        for place in range(first, first + FRAMES_OF_BATCH):
            yield _frame(
                round_number * METERS_OF_GATEWAY + place + 1,
                gateway * METERS_OF_GATEWAY + place,
                at_utc,
                round_number,
            )


def gateway_id(number: int) -> str:
    """Return the name of a simulated gateway."""
    return f"load-{number:06d}"


def meter_id(number: int) -> str:
    """Return the name of a simulated meter; its device's serial number is the same."""
    return f"L-{number:07d}"


def _frame(seq: int, meter: int, at_utc: datetime, round_number: int) -> Frame:
    used = (meter % 97 + 3) / 100
    return Frame(
        seq=seq,
        device=meter_id(meter),
        measured_at_utc=at_utc,
        profile="tuf_2000m@1",
        group="fast",
        values={
            Quantity.VOLUME_M3: round(100.0 + meter % 1000 + used * round_number, 3),
            Quantity.FLOW_M3H: round(used * 4, 3),
            Quantity.ENERGY_KWH: round(2000.0 + meter % 1000 + used * 20 * round_number, 1),
            Quantity.POWER_KW: round(used * 80, 2),
            Quantity.SUPPLY_TEMP_DEGC: 60.0 + meter % 20,
            Quantity.RETURN_TEMP_DEGC: 40.0 + meter % 10,
        },
        raw=_WORDS,
    )
