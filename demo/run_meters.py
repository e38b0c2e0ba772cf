"""The meters' process of the demo: every meter of the town on a real Modbus socket."""

import argparse
import json
from pathlib import Path

from demo.faults_io import TruthFile
from demo.meters_io import TownMeters
from demo.places import Places
from demo.process_life_io import stop_when_told
from demo.seed_plan_io import load_town
from demo.town_clock_io import join_clock


def main() -> None:
    """Answer for every meter until told to stop; the ports are those of the first start."""
    parser = argparse.ArgumentParser(description="the meters of the demo's town")
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    places = Places(arguments.data)
    ports = json.loads(places.meter_ports_file.read_text(encoding="utf-8"))
    stop = stop_when_told()
    meters = TownMeters(
        load_town(), join_clock(places.clock_file), TruthFile(places.truth_file), ports
    )
    with meters:
        stop.wait()


if __name__ == "__main__":
    main()
