"""The commands new and schema: what a person begins a profile with."""

import json
import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

from firmware_profiles.commands.command import OK, Command
from firmware_profiles.errors import ProfileError
from firmware_profiles.json_schema import json_schema
from firmware_profiles.skeleton import skeleton
from firmware_profiles.vocabulary import KINDS

_ID = re.compile(r"[a-z0-9_]{1,60}")


def _declare_new(parser: ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", default="my_meter", help="a-z, 0-9 and underscores")
    parser.add_argument("--kind", choices=KINDS, default="heat")
    parser.add_argument("--output", type=Path, help="write this file; else print it")


def _new(options: Namespace) -> int:
    if not _ID.fullmatch(options.id):
        raise _refusal("id", f"{options.id!r}", "use 1 to 60 of a-z, 0-9 and the underscore")
    text = skeleton(options.id, options.kind)
    if options.output is None:
        print(text, end="")
        return OK
    try:
        with options.output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        problem = f"{options.output}: {error.strerror}"
        raise _refusal("--output", problem, "name a file that is not there yet") from error
    print(f"{options.output}: written; firmware-profiles check says what to fill in")
    return OK


def _refusal(field: str, problem: str, remedy: str) -> ProfileError:
    return ProfileError(place="new", field=field, problem=problem, remedy=remedy)


def _declare_schema(parser: ArgumentParser) -> None:
    del parser  # it has no arguments


def _schema(options: Namespace) -> int:
    del options
    print(json.dumps(json_schema(), indent=2))
    return OK


COMMANDS = (
    Command(
        name="new",
        summary="a commented file to fill in",
        declare=_declare_new,
        run=_new,
    ),
    Command(
        name="schema",
        summary="the JSON Schema of a profile, for editors",
        declare=_declare_schema,
        run=_schema,
    ),
)
