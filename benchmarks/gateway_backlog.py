"""A queue file with a long outage in it: `python -m benchmarks.gateway_backlog FILE FRAMES`."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.gateway_meters import PROFILE, READINGS, UNITS
from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_store import open_queue
from wire_contracts.frames import Frame
from wire_contracts.quantities import Quantity

_GROUP = 500


def frames(count: int, end_utc: datetime) -> Iterator[Frame]:
    """Yield as many frames of the simulated meters, one round a minute, the newest last."""
    for number in range(count):
        unit = UNITS[number % len(UNITS)]
        minutes = (count - number) // len(UNITS)
        yield Frame(
            seq=0,
            device=f"M-{unit}",
            measured_at_utc=end_utc - timedelta(minutes=minutes),
            profile=PROFILE,
            group="fast",
            values={
                quantity: float(unit + place)
                for place, quantity in enumerate(list(Quantity)[:READINGS])
            },
            raw=bytes(85),
        )


def main(arguments: Sequence[str]) -> None:
    """Fill the file."""
    config = QueueConfig()
    now_utc = datetime.now(UTC)
    store, _ = open_queue(Path(arguments[0]), config, now_utc)
    group: list[Frame] = []
    for frame in frames(int(arguments[1]), now_utc):
        group.append(frame)
        if len(group) == _GROUP:
            store.put(group)
            group = []
    store.put(group)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1:])
