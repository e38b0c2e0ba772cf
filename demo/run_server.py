"""The server process of the demo: the sync server on the town's clock."""

import argparse
from pathlib import Path

from demo.places import Places
from demo.process_life_io import killer_at, stop_when_told
from demo.town_clock_io import join_clock
from sync_server.config_io import load_config
from sync_server.logs_io import configure_logs
from sync_server.run import run_server


def main() -> None:
    """Run the server until told to stop."""
    parser = argparse.ArgumentParser(description="the demo's server")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--kill-at", default="", help="end the process at this named point")
    parser.add_argument("--kill-after", type=int, default=1, help="at its n-th passing")
    arguments = parser.parse_args()
    configure_logs(is_pretty=False)
    places = Places(arguments.data)
    stop = stop_when_told()
    run_server(
        load_config(places.server_config),
        join_clock(places.clock_file),
        stop,
        killer_at(arguments.kill_at, arguments.kill_after),
    )


if __name__ == "__main__":
    main()
