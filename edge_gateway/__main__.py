"""The command `edge-gateway`: what can be typed, and how it ends."""

import argparse
import contextlib
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence

from edge_gateway.commands.bus_report_io import add_bus_report
from edge_gateway.commands.calls import INTERRUPTED, REFUSED, WRONG_CALL, CallError
from edge_gateway.commands.check_io import add_check
from edge_gateway.commands.identify_io import add_identify
from edge_gateway.commands.queue_io import add_queue
from edge_gateway.commands.read_io import add_read
from edge_gateway.commands.run_io import add_run
from edge_gateway.commands.scan_io import add_scan
from edge_gateway.config import ConfigError
from edge_gateway.queue.queue_file_io import QueueError

COMMANDS: Sequence[tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = (
    ("run", "read and send until told to stop", add_run),
    ("check-config", "check settings and profiles, read nothing", add_check),
    ("check", "the same as check-config", add_check),
    ("scan", "find out who answers on a line", add_scan),
    ("identify", "what one meter says it is, and which profiles match", add_identify),
    ("read", "read one meter once", add_read),
    ("bus-report", "load, turnaround and faults of every link and meter", add_bus_report),
    ("queue", "look into the queue", add_queue),
)
"""Name, help, and what gives the command its options and its work."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 refused, 2 a wrong call; the reason on standard error.

    Ctrl-C, and a reader of our output that goes away, end with 130 and without a word.
    """
    options = _parser().parse_args(arguments)
    try:
        status = int(options.work(options))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _write_no_more()
        return INTERRUPTED
    except CallError as error:
        print(error, file=sys.stderr)
        return WRONG_CALL
    except (ConfigError, QueueError, sqlite3.DatabaseError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except OSError as error:
        _write_no_more()
        print(f"{options.command}: {error}", file=sys.stderr)
        return REFUSED
    return status


def _write_no_more() -> None:
    """Keep Python from writing what is left to an output that takes nothing."""
    with contextlib.suppress(OSError, ValueError):
        output = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, output)
        os.close(nowhere)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-gateway", description="Meters to MQTT, losing none")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text, add in COMMANDS:
        add(commands.add_parser(name, help=text, description=text))
    return parser


if __name__ == "__main__":
    sys.exit(main())
