"""A process that records findings as fast as it can and says what is committed, until killed."""

import sys
from pathlib import Path

from field_app.clock_io import SystemClock
from field_app.tablet import open_tablet


def run(folder: Path) -> None:
    tablet = open_tablet(folder, SystemClock())
    number = 0
    while True:
        number += 1
        tablet.desk.save_answers("order-1", {"note": f"answer {number}"})
        tablet.database.write(lambda _connection: None)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    run(Path(sys.argv[1]))
