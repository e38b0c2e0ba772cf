"""The command firmware-profiles: list, show, check, test, decode, simulate and write profiles."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from firmware_profiles.commands import (
    checking,
    decoding,
    listing,
    redecoding,
    simulating_io,
    writing,
)
from firmware_profiles.commands.command import OK, WRONG_CALL
from firmware_profiles.errors import ProfileError, WordsError

COMMANDS = (
    *listing.COMMANDS,
    *checking.COMMANDS,
    *decoding.COMMANDS,
    *redecoding.COMMANDS,
    *simulating_io.COMMANDS,
    *writing.COMMANDS,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 good, 1 not fit for use, 2 wrong call."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()
    except (ProfileError, WordsError) as error:
        print(error, file=sys.stderr)
        for other in error.others if isinstance(error, ProfileError) else ():
            print(other, file=sys.stderr)
        return WRONG_CALL
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="firmware-profiles", description=__doc__)
    parser.add_argument("--directory", type=Path, help="a site's own folder of profiles")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        below = commands.add_parser(command.name, help=command.summary)
        command.declare(below)
        below.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
