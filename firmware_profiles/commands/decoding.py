"""The command decode: what words that were read from a meter mean."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from firmware_profiles.commands.command import OK, Command
from firmware_profiles.commands.inputs import PROFILE_HELP, find_profile, read_image
from firmware_profiles.cross_check import cross_hints
from firmware_profiles.decode import decode_group, decode_registers
from firmware_profiles.order_hint import order_hint
from firmware_profiles.profile import Profile
from wire_contracts.quantities import Quantity

Key = TypeVar("Key", bound=str)

_ALL = "all"


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument("profile", help=PROFILE_HELP)
    parser.add_argument(
        "--registers", help='words as hex, as JSON {"3": {"0": [1, 2]}} or list, or @FILE of these'
    )
    parser.add_argument("--words", default="", help='hexadecimal words, such as "C148 0000"')
    parser.add_argument("--fc", type=int, choices=(1, 2, 3, 4), default=3, help="function code")
    parser.add_argument("--address", type=int, default=0, help="zero-based address of the first")
    parser.add_argument("--raw", help="base64 of a frame's raw instead of words")


def _decode(options: Namespace) -> int:
    profile = _grouped(find_profile(options.profile, options.directory))
    image = read_image(options)
    answer: dict[str, object] = {"registers": _plain(decode_registers(profile, image))}
    values: dict[Quantity, float] = {}
    for group in profile.groups:
        decoded = decode_group(profile, group, image, {})
        values.update(decoded.values)
        answer[group] = {
            "values": _plain(decoded.values),
            "quality": _plain(decoded.quality),
            "events": list(decoded.events),
        }
    hints = (order_hint(profile, image), *cross_hints(values))
    answer["hints"] = [hint for hint in hints if hint]
    print(json.dumps(answer, ensure_ascii=False, indent=2))
    return OK


def _grouped(profile: Profile) -> Profile:
    """Return a draft without groups as if it had one of every register, to see its quantities.

    Where several registers hold one quantity, the first of them stands for it.
    """
    if profile.groups:
        return profile
    first: dict[Quantity, str] = {}
    for name, register in profile.registers.items():
        if register.wire is not None:
            first.setdefault(register.wire, name)
    leading = set(first.values())
    registers = {
        name: replace(item, group=_ALL, wire=item.wire if name in leading else None)
        for name, item in profile.registers.items()
    }
    return replace(profile, registers=registers, groups={_ALL: timedelta(hours=1)})


def _plain(values: Mapping[Key, object]) -> dict[str, object]:
    return {str(name): value for name, value in values.items()}


COMMANDS = (
    Command(name="decode", summary="decode words read from a meter", declare=_declare, run=_decode),
)
