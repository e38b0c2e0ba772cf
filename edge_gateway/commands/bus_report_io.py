"""The command `bus-report`: load, turnaround and faults of every link and meter."""

import argparse
import json

from edge_gateway.clock_io import SystemClock
from edge_gateway.commands.bus_figures import BusReport, report_json, report_text
from edge_gateway.commands.bus_live_io import live_report
from edge_gateway.commands.bus_measure_io import measure_links
from edge_gateway.commands.calls import DONE, CallError, with_config
from edge_gateway.commands.progress_io import Progress
from edge_gateway.config import GatewayConfig
from edge_gateway.config_io import load_config
from edge_gateway.logs_io import quiet_logs
from edge_gateway.polling.profiles_io import load_links
from edge_gateway.queue.data_lock_io import held_folder
from edge_gateway.queue.queue_file_io import QueueError

LONGEST_S = 86_400


def add_bus_report(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    with_config(parser)
    parser.add_argument(
        "--seconds",
        type=_seconds,
        metavar="N",
        help="measure for so long instead of asking the running gateway",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.set_defaults(work=_report)


def _report(options: argparse.Namespace) -> int:
    quiet_logs()
    config = load_config(options.config)
    if options.seconds is not None:
        report = _measured(config, options.seconds)
    elif config.metrics is None:
        raise CallError(
            "bus-report: metrics: the settings name no address to ask the gateway at;"
            " add [metrics] listen, or stop the gateway and measure with --seconds 60"
        )
    else:
        report = live_report(config, config.metrics, SystemClock().now_utc())
    print(json.dumps(report_json(report)) if options.json else "\n".join(report_text(report)))
    return DONE


def _measured(config: GatewayConfig, seconds: float) -> BusReport:
    """Read every meter of every link for a while; the gateway must not be running."""
    links = load_links(config)
    try:
        with held_folder(config.data), Progress() as progress:
            figures = measure_links(
                links, seconds, lambda left_s: progress.step(f"measuring, {left_s:.0f} s left")
            )
    except QueueError as error:
        message = f"bus-report: seconds: {error}; leave --seconds out to ask the running gateway"
        raise CallError(message) from error
    return BusReport(source=f"measured for {seconds:g} s, reading without a pause", links=figures)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= LONGEST_S:
        message = f"{text} is not in 0..{LONGEST_S}"
        raise argparse.ArgumentTypeError(message)
    return seconds
