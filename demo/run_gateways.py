"""A gateway process of the demo: one gateway, or several when `--check` saves processes (R26)."""

import argparse
import threading
from pathlib import Path

from demo.places import Places
from demo.process_life_io import killer_at, stop_when_told
from demo.town_clock_io import join_clock
from edge_gateway.config_io import load_config
from edge_gateway.logs_io import configure_logs
from edge_gateway.run import run_gateway


def main() -> None:
    """Run the named gateways on the town's clock until told to stop."""
    parser = argparse.ArgumentParser(description="gateways of the demo's town")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--kill-at", default="", help="end the process at this named point")
    parser.add_argument("--kill-after", type=int, default=1, help="at its n-th passing")
    parser.add_argument("gateway_ids", nargs="+")
    arguments = parser.parse_args()
    configure_logs(is_pretty=False, is_verbose=False)
    places = Places(arguments.data)
    stop = stop_when_told()
    clock = join_clock(places.clock_file)
    reached = killer_at(arguments.kill_at, arguments.kill_after)
    threads = [
        threading.Thread(
            target=run_gateway,
            args=(load_config(places.gateway_config(each)), clock, stop, reached),
            name=each,
        )
        for each in arguments.gateway_ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
