"""The command `queue`: how much is waiting and kept."""

import argparse

from edge_gateway.commands.calls import DONE, with_config
from edge_gateway.config_io import load_config
from edge_gateway.queue.queue_store import read_figures
from edge_gateway.run import QUEUE_FILE


def add_queue(parser: argparse.ArgumentParser) -> None:
    """Give the command its own commands."""
    inner = parser.add_subparsers(dest="queue_command", required=True)
    stat = inner.add_parser("stat", help="how much is waiting and kept")
    with_config(stat).set_defaults(work=_stat)


def _stat(options: argparse.Namespace) -> int:
    figures = read_figures(load_config(options.config).data / QUEUE_FILE)
    print(f"epoch        {figures.epoch}")
    print(f"last seq     {figures.last_seq}")
    print(f"open         {figures.open_count} frames, {figures.open_bytes} bytes")
    print(f"sent, kept   {figures.kept_count} frames, {figures.kept_bytes} bytes")
    return DONE
