"""The command firmware-profiles: list, show, check, test, decode and redecode register maps."""

import argparse
import base64
import binascii
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from firmware_profiles.completeness import open_points
from firmware_profiles.decode import decode_group, decode_registers, spans_of
from firmware_profiles.errors import ProfileError, WordsError
from firmware_profiles.golden import golden_failures
from firmware_profiles.library_io import (
    available_drafts,
    available_profiles,
    load_draft,
    load_profile,
    load_profile_file,
)
from firmware_profiles.profile import Profile, Register
from firmware_profiles.redecode import FormerOf, Redecoder
from firmware_profiles.redecode_io import redecode_file
from firmware_profiles.words import HIGHEST_ADDRESS, WordAddress, unpack_words

_WORD = re.compile(r"[0-9A-Fa-f]{4}")
Key = TypeVar("Key", bound=str)

_OK, _NOT_FIT, _WRONG_CALL = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 good, 1 not fit for use, 2 wrong call."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()
    except (ProfileError, WordsError) as error:
        print(error, file=sys.stderr)
        return _WRONG_CALL
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _OK
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="firmware-profiles", description=__doc__)
    parser.add_argument("--directory", type=Path, help="a site's own folder of profiles")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="released profiles, with --drafts the drafts too")
    listing.add_argument("--drafts", action="store_true")
    listing.set_defaults(run=_list)
    show = commands.add_parser("show", help="what a profile reads and sends")
    show.add_argument("profile", help="ID@REVISION, the id of a draft, or a file")
    show.set_defaults(run=_show)
    check = commands.add_parser("check", help="what a file still lacks")
    check.add_argument("file", nargs="+", type=Path)
    check.set_defaults(run=_check)
    test = commands.add_parser("test", help="decode the golden vectors")
    test.add_argument("profile", nargs="*", help="references or files; none: every released one")
    test.set_defaults(run=_test)
    decode = commands.add_parser("decode", help="decode words read from a meter")
    decode.add_argument("profile", help="ID@REVISION, the id of a draft, or a file")
    decode.add_argument("--words", default="", help='hexadecimal words, such as "C148 0000"')
    decode.add_argument("--fc", type=int, default=3, help="function code of the words")
    decode.add_argument("--address", type=int, default=0, help="zero-based address of the first")
    decode.add_argument("--raw", help="base64 of a frame's raw instead of words")
    decode.set_defaults(run=_decode)
    again = commands.add_parser("redecode", help="decode the words of stored frames again")
    again.add_argument("frames", type=Path, help="a file of sync-server export-raw")
    again.add_argument("--profile", required=True, help="ID@REVISION or a file, the corrected one")
    again.add_argument("--out", type=Path, help="for sync-server apply-corrections; else printed")
    again.set_defaults(run=_redecode)
    return parser


def _list(options: argparse.Namespace) -> int:
    for reference in available_profiles(options.directory):
        profile = load_profile(reference, options.directory)
        groups = ", ".join(f"{name} {every}" for name, every in profile.groups.items())
        print(f"{reference:32} {profile.medium or '':6} {profile.model}  ({groups})")
    for draft in available_drafts() if options.drafts else ():
        profile = load_draft(draft)
        missing = sum(point.is_blocking for point in open_points(profile))
        print(f"{draft:32} draft  {profile.model}  ({missing} points open)")
    return _OK


def _show(options: argparse.Namespace) -> int:
    profile = _find(options.profile, options.directory)
    print(f"{profile.reference}: {profile.manufacturer} {profile.model}")
    print(f"confidence {profile.confidence}, at most {profile.max_registers} words in one read")
    for name, every in profile.groups.items():
        spans = " ".join(
            f"{span.function_code}:{span.address}+{span.word_count}"
            for span in spans_of(profile, name)
        )
        print(f"group {name} every {every}: {spans}")
    for register in profile.registers.values():
        print(f"  {_register_line(register)}")
    for rule in profile.status:
        print(f"status {rule.register} {rule.name}: {rule.event} ({rule.severity})")
    for quirk in profile.quirks:
        print(f"quirk: {quirk}")
    return _OK


def _register_line(register: Register) -> str:
    span = register.span
    coding = f"{register.coding.kind} {register.coding.order}"
    sent = f"-> {register.wire} in {register.group}" if register.wire else register.group or ""
    return (
        f"{register.name:28} {span.function_code}:{span.address:<6}"
        f" {coding:16} {register.unit:8} {sent}"
    )


def _check(options: argparse.Namespace) -> int:
    status = _OK
    for path in options.file:
        profile = load_profile_file(path, is_draft_allowed=True)
        points = open_points(profile)
        for point in points:
            weight = "" if point.is_blocking else "note: "
            print(f"{path}: {weight}{point.field}: {point.problem}; {point.remedy}")
        blocking = sum(point.is_blocking for point in points)
        failed = _print_failures(profile)
        print(f"{path}: {profile.reference}: {blocking} to do, {failed} golden vectors fail")
        status = _NOT_FIT if blocking or failed else status
    return status


def _test(options: argparse.Namespace) -> int:
    names = options.profile or available_profiles(options.directory)
    failed = 0
    for name in names:
        profile = _find(name, options.directory)
        broken = _print_failures(profile)
        failed += broken
        origins = ", ".join(vector.origin for vector in profile.golden) or "none"
        print(f"{profile.reference}: {len(profile.golden)} vectors ({origins}), {broken} fail")
    return _NOT_FIT if failed else _OK


def _print_failures(profile: Profile) -> int:
    failed = 0
    for vector in profile.golden:
        failures = golden_failures(profile, vector)
        failed += bool(failures)
        for failure in failures:
            print(f"{profile.place}: test.{vector.name}: {failure}")
    return failed


def _decode(options: argparse.Namespace) -> int:
    profile = _find(options.profile, options.directory)
    image = _image(options)
    answer: dict[str, object] = {"registers": _plain(decode_registers(profile, image))}
    for group in profile.groups:
        decoded = decode_group(profile, group, image, {})
        answer[group] = {
            "values": _plain(decoded.values),
            "quality": _plain(decoded.quality),
            "events": list(decoded.events),
        }
    print(json.dumps(answer, ensure_ascii=False, indent=2))
    return _OK


def _redecode(options: argparse.Namespace) -> int:
    directory: Path | None = options.directory
    decoder = Redecoder(
        profile=_released(options.profile, directory), former_of=_former_of(directory)
    )
    with contextlib.ExitStack() as stack:
        try:
            out = stack.enter_context(options.out.open("wb")) if options.out else sys.stdout.buffer
            done = redecode_file(decoder, options.frames, out, _complain)
        except OSError as error:
            problem = error.strerror or "cannot be used"
            message = f"{error.filename}: file: {problem}; name a file that can be used"
            raise WordsError(message) from error
    _complain(f"{done.written_count} lines decoded, {done.failed_count} not")
    return _NOT_FIT if done.failed_count else _OK


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


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


def _plain(values: Mapping[Key, object]) -> dict[str, object]:
    return {str(name): value for name, value in values.items()}


def _image(options: argparse.Namespace) -> dict[WordAddress, int]:
    if options.raw is not None:
        try:
            return unpack_words(base64.b64decode(options.raw, validate=True))
        except binascii.Error as error:
            message = "--raw: is not base64; give the raw of a frame as it is"
            raise WordsError(message) from error
    words = [_word(text) for text in options.words.split()]
    if not 0 <= options.address <= HIGHEST_ADDRESS + 1 - len(words):
        message = f"--address: {options.address} is outside 0..65535; it is zero-based"
        raise WordsError(message)
    return {(options.fc, options.address + offset): word for offset, word in enumerate(words)}


def _word(text: str) -> int:
    if _WORD.fullmatch(text):
        return int(text, 16)
    message = f"--words: {text!r} is no word; write four hexadecimal digits per word"
    raise WordsError(message)


def _find(name: str, directory: Path | None) -> Profile:
    if name.endswith(".toml"):
        return load_profile_file(Path(name), is_draft_allowed=True)
    if name in available_drafts():
        return load_draft(name)
    return load_profile(name, directory)


if __name__ == "__main__":
    sys.exit(main())
