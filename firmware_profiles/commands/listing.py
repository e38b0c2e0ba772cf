"""The commands list, show and diff: which profiles there are, and what stands in them."""

from argparse import ArgumentParser, Namespace

from firmware_profiles.commands.command import NOT_FIT, OK, Command
from firmware_profiles.commands.inputs import PROFILE_HELP, find_profile
from firmware_profiles.completeness import open_points
from firmware_profiles.decode import spans_of
from firmware_profiles.difference import differences
from firmware_profiles.library_io import (
    available_drafts,
    available_profiles,
    load_draft,
    load_profile,
    revisions_of,
)
from firmware_profiles.register import Register


def _declare_list(parser: ArgumentParser) -> None:
    parser.add_argument("--drafts", action="store_true", help="the register maps too")


def _list(options: Namespace) -> int:
    for reference in available_profiles(options.directory):
        profile = load_profile(reference, options.directory)
        groups = ", ".join(f"{name} {every}" for name, every in profile.groups.items())
        print(f"{reference:32} {profile.medium or '':6} {profile.model}  ({groups})")
    for draft in available_drafts() if options.drafts else ():
        profile = load_draft(draft)
        missing = sum(point.is_blocking for point in open_points(profile))
        print(f"{draft:32} draft  {profile.model}  ({missing} points open)")
    return OK


def _declare_show(parser: ArgumentParser) -> None:
    parser.add_argument("profile", help=PROFILE_HELP)


def _show(options: Namespace) -> int:
    profile = find_profile(options.profile, options.directory)
    print(f"{profile.reference}: {profile.manufacturer} {profile.model}")
    others = revisions_of(profile.profile_id, options.directory)
    if others:
        print(f"revisions {', '.join(map(str, others))}")
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
    return OK


def _register_line(register: Register) -> str:
    span = register.span
    coding = f"{register.coding.kind} {register.coding.order}"
    sent = f"-> {register.wire} in {register.group}" if register.wire else register.group or ""
    return (
        f"{register.name:28} {span.function_code}:{span.address:<6}"
        f" {coding:16} {register.unit:8} {sent}"
    )


def _declare_diff(parser: ArgumentParser) -> None:
    parser.add_argument("older", help=PROFILE_HELP)
    parser.add_argument("newer", help="the same")


def _diff(options: Namespace) -> int:
    older = find_profile(options.older, options.directory)
    newer = find_profile(options.newer, options.directory)
    found = differences(older, newer)
    for line in found:
        print(line)
    print(f"{older.reference} and {newer.reference}: {len(found)} differences")
    return NOT_FIT if found else OK


COMMANDS = (
    Command(
        name="list",
        summary="released profiles, with --drafts the drafts too",
        declare=_declare_list,
        run=_list,
    ),
    Command(
        name="show",
        summary="what a profile reads and sends",
        declare=_declare_show,
        run=_show,
    ),
    Command(
        name="diff",
        summary="what two revisions of a profile say differently",
        declare=_declare_diff,
        run=_diff,
    ),
)
