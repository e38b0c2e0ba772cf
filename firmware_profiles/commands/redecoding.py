"""The command redecode: the words of stored frames decoded again, for corrections (R17)."""

import contextlib
import sys
from argparse import ArgumentParser, Namespace
from functools import cache
from pathlib import Path

from firmware_profiles.commands.command import NOT_FIT, OK, Command
from firmware_profiles.errors import ProfileError, WordsError
from firmware_profiles.library_io import load_profile, load_profile_file
from firmware_profiles.profile import Profile
from firmware_profiles.redecode import FormerOf, Redecoder
from firmware_profiles.redecode_io import Decoder, redecode_file
from firmware_profiles.redecode_telegrams import TelegramRedecoder, telegram_references


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument("frames", type=Path, help="a file of sync-server export-raw")
    parser.add_argument("--profile", required=True, help="ID@REVISION or a file, the corrected one")
    parser.add_argument("--out", type=Path, help="for sync-server apply-corrections; else printed")


def _redecode(options: Namespace) -> int:
    decoder = _decoder(options.profile, options.directory)
    with contextlib.ExitStack() as stack:
        try:
            out = stack.enter_context(options.out.open("wb")) if options.out else sys.stdout.buffer
            done = redecode_file(decoder, options.frames, out, _complain, _show_progress)
        except OSError as error:
            problem = error.strerror or "cannot be used"
            message = f"{error.filename}: file: {problem}; name a file that can be used"
            raise WordsError(message) from error
    _complain(f"{done.written_count} lines decoded, {done.failed_count} not")
    return NOT_FIT if done.failed_count else OK


def _decoder(name: str, directory: Path | None) -> Decoder:
    if name in telegram_references():
        return TelegramRedecoder(reference=name)
    return Redecoder(profile=_released(name, directory), former_of=_former_of(directory))


def _released(name: str, directory: Path | None) -> Profile:
    is_file = name.endswith(".toml")
    return load_profile_file(Path(name)) if is_file else load_profile(name, directory)


def _former_of(directory: Path | None) -> FormerOf:
    @cache
    def find(reference: str) -> Profile | None:
        try:
            return load_profile(reference, directory)
        except ProfileError:
            return None

    return find


def _show_progress(count: int) -> None:
    """Tell a person at a terminal how far it is; a log file is spared."""
    if sys.stderr.isatty():
        print(f"\r{count} lines ", end="", file=sys.stderr, flush=True)


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


COMMANDS = (
    Command(
        name="redecode",
        summary="decode the words of stored frames again",
        declare=_declare,
        run=_redecode,
    ),
)
