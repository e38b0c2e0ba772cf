"""The command `run`: read meters and send until told to stop."""

import argparse
import signal
import threading

from edge_gateway.clock_io import KernelTime, SystemClock
from edge_gateway.commands.calls import DONE, with_config
from edge_gateway.config_io import load_config
from edge_gateway.logs_io import configure_logs
from edge_gateway.processor_io import keep_to_one_processor
from edge_gateway.run import Machine, run_gateway


def add_run(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    with_config(parser)
    parser.add_argument("--pretty", action="store_true", help="log lines for the eye, not JSON")
    parser.add_argument("--verbose", action="store_true", help="log every commit too")
    parser.set_defaults(work=_run)


def _run(options: argparse.Namespace) -> int:
    config = load_config(options.config)
    configure_logs(is_pretty=options.pretty, is_verbose=options.verbose)
    keep_to_one_processor()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    run_gateway(config, SystemClock(), stop, machine=Machine(time_source=KernelTime()))
    return DONE
