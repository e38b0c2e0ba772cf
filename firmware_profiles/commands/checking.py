"""The commands check and test: what a file still lacks, and whether its vectors decode."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from firmware_profiles.commands.command import NOT_FIT, OK, WRONG_CALL, Command
from firmware_profiles.commands.inputs import find_profile
from firmware_profiles.completeness import open_points
from firmware_profiles.errors import ProfileError
from firmware_profiles.golden import golden_failures
from firmware_profiles.library_io import UNREADABLE, available_profiles, load_profile_file
from firmware_profiles.profile import Profile


def _declare_check(parser: ArgumentParser) -> None:
    parser.add_argument("file", nargs="+", type=Path)


def _check(options: Namespace) -> int:
    return max(_check_file(path) for path in options.file)


def _check_file(path: Path) -> int:
    try:
        profile = load_profile_file(path, is_draft_allowed=True)
    except ProfileError as error:
        return _refuse(path, error)
    points = open_points(profile)
    for point in points:
        weight = "" if point.is_blocking else "note: "
        print(f"{path}: {weight}{point.field}: {point.problem}; {point.remedy}")
    if profile.revision is not None and path.name != f"{profile.reference}.toml":
        wanted = f"{profile.reference}.toml"
        print(f"{path}: note: file name: a gateway looks for {wanted}; rename it for use")
    blocking = sum(point.is_blocking for point in points)
    failed = _print_failures(profile)
    print(f"{path}: {profile.reference}: {blocking} to do, {failed} golden vectors fail")
    return NOT_FIT if blocking or failed else OK


def _refuse(path: Path, error: ProfileError) -> int:
    """Print everything that keeps a file from being read as a profile at all."""
    if error.field == UNREADABLE:
        print(error, file=sys.stderr)
        return WRONG_CALL
    errors = (error, *error.others)
    for each in errors:
        print(each)
    print(f"{path}: {len(errors)} errors; what it lacks beside them is not known yet")
    return NOT_FIT


def _declare_test(parser: ArgumentParser) -> None:
    parser.add_argument("profile", nargs="*", help="references or files; none: every released one")


def _test(options: Namespace) -> int:
    names = options.profile or available_profiles(options.directory)
    failed = 0
    for name in names:
        profile = find_profile(name, options.directory)
        broken = _print_failures(profile)
        failed += broken
        origins = ", ".join(vector.origin for vector in profile.golden) or "none"
        print(f"{profile.reference}: {len(profile.golden)} vectors ({origins}), {broken} fail")
    return NOT_FIT if failed else OK


def _print_failures(profile: Profile) -> int:
    failed = 0
    for vector in profile.golden:
        failures = golden_failures(profile, vector)
        failed += bool(failures)
        for failure in failures:
            print(f"{profile.place}: test.{vector.name}: {failure}")
    return failed


COMMANDS = (
    Command(
        name="check",
        summary="everything that a file lacks or doubts",
        declare=_declare_check,
        run=_check,
    ),
    Command(
        name="test",
        summary="decode the golden vectors",
        declare=_declare_test,
        run=_test,
    ),
)
