"""The words and exit statuses that all commands share."""

import argparse
from pathlib import Path

from edge_gateway.links.answers import NO_MODBUS, NO_SERIAL_PORT

DONE = 0
REFUSED = 1
"""Something is not as it should be: a setting, a value, a file."""

WRONG_CALL = 2
"""What was typed cannot be done; argparse ends with the same."""

INTERRUPTED = 130
"""Ctrl-C, as shells have it: 128 and the number of SIGINT."""


class CallError(ValueError):
    """What was typed cannot be done; the text reads `place: field: problem; remedy`."""


def line_trouble(reason: str) -> str:
    """Return why a line cannot be used, with what a person should look at."""
    if NO_SERIAL_PORT in reason:
        return f"{reason}; name a serial device, such as /dev/ttyUSB0"
    if NO_MODBUS in reason:
        return f"{reason}; look at the address and the port"
    return f"{reason}; is the gateway using the line?"


def with_config(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser with the option that names the settings."""
    parser.add_argument("--config", type=Path, required=True, help="the settings, a TOML file")
    return parser


def with_line(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser with the link URL and what goes for every line."""
    parser.add_argument("url", metavar="URL", help="the line, such as tcp://10.0.0.5:502")
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="wait so many seconds for an answer"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    return parser


def with_profiles(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser with the option that names the site's own profiles."""
    parser.add_argument(
        "--profiles", type=Path, metavar="FOLDER", help="the site's own profiles, ID@REVISION.toml"
    )
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.01 <= seconds <= 120:  # noqa: PLR2004  # the bounds stand in the message
        message = f"{text} s is not in 0.01..120"
        raise argparse.ArgumentTypeError(message)
    return seconds
