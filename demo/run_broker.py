"""The broker process of the demo: `python -m demo.run_broker --data DIR --port N`."""

import argparse
from pathlib import Path

from demo.broker_io import serve_broker
from demo.places import Places
from demo.process_life_io import stop_when_told


def main() -> None:
    """Serve the embedded broker until told to stop."""
    parser = argparse.ArgumentParser(description="the demo's broker")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    serve_broker(arguments.port, Places(arguments.data).broker_accounts_file, stop_when_told())


if __name__ == "__main__":
    main()
