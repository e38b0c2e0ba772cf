"""The command `edge-gateway`: run, check the settings, look into the queue."""

import argparse
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from edge_gateway.clock_io import SystemClock
from edge_gateway.config import ConfigError, GatewayConfig
from edge_gateway.config_io import load_config
from edge_gateway.logs_io import configure_logs
from edge_gateway.polling.profiles_io import load_links
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import read_figures
from edge_gateway.run import QUEUE_FILE, run_gateway


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 refused, with the reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        config = load_config(options.config)
        if options.command == "run":
            return _run(config, is_pretty=options.pretty, is_verbose=options.verbose)
        if options.command == "check":
            return _check(config)
        return _queue_stat(config)
    except (ConfigError, QueueError, sqlite3.DatabaseError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-gateway", description="Meters to MQTT, losing none")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, required=True, help="the settings, a TOML file")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", parents=[shared], help="read and send until told to stop")
    run.add_argument("--pretty", action="store_true", help="log lines for the eye, not JSON")
    run.add_argument("--verbose", action="store_true", help="log every commit too")
    commands.add_parser("check", parents=[shared], help="check settings and profiles, read nothing")
    queue = commands.add_parser("queue", help="look into the queue")
    inner = queue.add_subparsers(dest="command", required=True)
    inner.add_parser("stat", parents=[shared], help="how much is waiting and kept")
    return parser


def _run(config: GatewayConfig, *, is_pretty: bool, is_verbose: bool) -> int:
    configure_logs(is_pretty=is_pretty, is_verbose=is_verbose)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    run_gateway(config, SystemClock(), stop)
    return 0


def _check(config: GatewayConfig) -> int:
    """Print what each meter's groups cost on the link."""
    print(f"gateway {config.gateway_id}: broker {config.mqtt.host}:{config.mqtt.port}")
    for link in load_links(config):
        print(f"link {link.config.name}: {link.config.url}, time-out {link.timeout_s:g} s")
        for meter in link.meters:
            print(f"  {meter.serial} at {meter.device_address}: {meter.profile_name}")
            for group, plan in meter.plans.items():
                requests = plan.requests
                words = sum(request.word_count for request in requests)
                cost_ms = 1000 * plan.duration_s
                every = meter.intervals[group]
                print(
                    f"    {group}: every {every}, {len(requests)} requests, {words} words, "
                    f"about {cost_ms:.1f} ms"
                )
    return 0


def _queue_stat(config: GatewayConfig) -> int:
    figures = read_figures(config.data / QUEUE_FILE)
    print(f"epoch        {figures.epoch}")
    print(f"last seq     {figures.last_seq}")
    print(f"open         {figures.open_count} frames, {figures.open_bytes} bytes")
    print(f"sent, kept   {figures.kept_count} frames, {figures.kept_bytes} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
