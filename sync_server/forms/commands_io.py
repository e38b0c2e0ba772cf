"""`sync-server forms`, `add-form`, `publish-form`, `withdraw-form`, `export-answers`."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from sync_server.access.account_store import SYSTEM
from sync_server.db.engine_io import reading
from sync_server.forms.export_io import export_csv, export_openrosa
from sync_server.forms.form_problems import FormRefusedError
from sync_server.forms.form_store import list_forms, publish_form, take_form, withdraw_form
from wire_contracts.clock import Clock

Say = Callable[[str], None]

REFUSALS = (FormRefusedError,)
"""What ends one of these commands with status 1 and its text."""

_BOTH = ("csv", "openrosa")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormsDesk:
    """What the commands work with."""

    engine: Engine
    clock: Clock
    say: Say


def add_form_commands(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the commands to the parser of `sync-server`."""
    add("forms", "list the forms that tablets are given, with their versions")
    take = add("add-form", "take a form (XLSForm as .xlsx); say what is wrong with it, row by row")
    take.add_argument("file", type=Path)
    take.add_argument("--publish", action="store_true", help="and give it to the tablets at once")
    take.add_argument("--check", action="store_true", help="only say what is wrong with it")
    publish = add("publish-form", "give a version to the tablets")
    publish.add_argument("form", help="such as safety-check@2")
    withdraw = add("withdraw-form", "let nobody begin with a version any more")
    withdraw.add_argument("form", help="such as safety-check@2")
    export = add("export-answers", "write the answers to a form to a file")
    export.add_argument("form", help="such as safety-check, all versions")
    export.add_argument("file", type=Path)
    export.add_argument(
        "--as", dest="shape", choices=_BOTH, default="csv", help="OpenRosa: a ZIP of submissions"
    )


def list_all(desk: FormsDesk, _options: argparse.Namespace) -> None:
    """Print every version."""
    with reading(desk.engine) as connection:
        forms = list_forms(connection)
    for form in forms:
        since = (
            "" if form.valid_from_utc is None else f" from {form.valid_from_utc:%Y-%m-%d %H:%M}Z"
        )
        desk.say(f"{form.key:28} {form.state}{since}  {form.title.plain('en')}")


def add_form(desk: FormsDesk, options: argparse.Namespace) -> None:
    """Take a file; raise FormRefusedError with everything that is wrong with it."""
    from sync_server.forms.intake_io import read_form  # noqa: PLC0415  # only where it is needed

    form = read_form(options.file.read_bytes())
    for advice in form.advice:
        desk.say(f"advice: {advice}")
    if options.check:
        desk.say(f"{form.model.key}: nothing is wrong with it")
        return
    now_utc = desk.clock.now_utc()
    with desk.engine.begin() as connection:
        is_new = take_form(connection, form, SYSTEM, now_utc)
        if options.publish:
            publish_form(connection, form.model.key, now_utc, SYSTEM, now_utc)
    desk.say(f"{form.model.key}: {'taken' if is_new else 'is kept already'}")


def publish(desk: FormsDesk, options: argparse.Namespace) -> None:
    """Give a version to the tablets from now on."""
    now_utc = desk.clock.now_utc()
    with desk.engine.begin() as connection:
        publish_form(connection, options.form, now_utc, SYSTEM, now_utc)
    desk.say(f"{options.form}: published")


def withdraw(desk: FormsDesk, options: argparse.Namespace) -> None:
    """Let nobody begin with a version any more."""
    with desk.engine.begin() as connection:
        withdraw_form(connection, options.form, SYSTEM, desk.clock.now_utc())
    desk.say(f"{options.form}: withdrawn")


def export_answers(desk: FormsDesk, options: argparse.Namespace) -> None:
    """Write the answers to a form to a file."""
    with reading(desk.engine) as connection:
        is_csv = options.shape == "csv"
        content = (export_csv if is_csv else export_openrosa)(connection, options.form)
    options.file.write_bytes(content)
    desk.say(f"{options.file}: {len(content)} bytes")
