"""Chooses the ports of the machine the app runs on, and reads a track to be replayed."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from field_app.platform.desktop import NoLocator, NoTagReader, NoVibrator
from field_app.platform.desktop_io import (
    AskFile,
    DesktopCamera,
    DesktopScanner,
    DesktopSounder,
    ReadCode,
)
from field_app.platform.ports import Fix, Hardware, Locator, Vault
from field_app.platform.replay import ReplayedStep, ReplayLocator
from wire_contracts.clock import Clock

_COLUMNS = ("after_s", "latitude_deg", "longitude_deg", "accuracy_m")


class TrackError(ValueError):
    """A track that cannot be replayed; the text names file, line, problem and remedy."""


def is_android() -> bool:
    """Return whether python-for-android started this process."""
    return "ANDROID_ARGUMENT" in os.environ


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a desktop machine has instead of a tablet's parts.

    Attributes:
        ask_file: Lets the person choose a file.
        read_code: Returns what the code in a picture says, empty when there is none.
        track: Positions to be replayed; without any the position is not known.
    """

    ask_file: AskFile
    read_code: ReadCode
    track: Sequence[ReplayedStep] = ()


def open_hardware(vault: Vault, clock: Clock, desk: Desk) -> Hardware:
    """Return the ports of this machine: an Android tablet's own, or a desktop's stand-ins."""
    if is_android():
        from field_app.platform.android_io import android_hardware  # noqa: PLC0415 - Android only

        return android_hardware(vault)
    locator: Locator = ReplayLocator(desk.track, clock) if desk.track else NoLocator()
    return Hardware(
        camera=DesktopCamera(desk.ask_file),
        tag_reader=NoTagReader(),
        code_scanner=DesktopScanner(desk.ask_file, desk.read_code),
        locator=locator,
        vibrator=NoVibrator(),
        sounder=DesktopSounder(),
        vault=vault,
    )


def read_track(path: Path) -> tuple[ReplayedStep, ...]:
    """Return the steps of a CSV file; its columns are those of `_COLUMNS`.

    Raises:
        TrackError: The file is missing, or a line is not four numbers.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        message = f"{path}: file: cannot be read ({error.strerror}); give the right path"
        raise TrackError(message) from error
    steps: list[ReplayedStep] = []
    for line, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        try:
            after_s, latitude, longitude, accuracy = (float(row[name]) for name in _COLUMNS)
        except (KeyError, TypeError, ValueError) as error:
            message = f"{path}: line {line}: is not {', '.join(_COLUMNS)}; correct that line"
            raise TrackError(message) from error
        fix = Fix(latitude_deg=latitude, longitude_deg=longitude, accuracy_m=accuracy)
        steps.append(ReplayedStep(after_s=after_s, fix=fix))
    return tuple(steps)
