"""Keeps one event after the other in a file, and says after each that it is kept."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_gateway.uplink.event_store import EventStore
from edge_gateway.uplink.messages import Event

START_UTC = datetime(2026, 3, 1, tzinfo=UTC)


def main() -> None:
    store = EventStore(Path(sys.argv[1]))
    for number in range(int(sys.argv[2]), int(sys.argv[2]) + 900):
        at_utc = START_UTC + timedelta(seconds=number)
        store.add([Event(at_utc=at_utc, kind="test", text=str(number))])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
