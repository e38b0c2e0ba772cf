"""Owns the revisions on disk, and which one is in force; written whole or not at all."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import ConfigError
from edge_gateway.files_io import make_folder, replace_file
from edge_gateway.remote.standing import LONGEST_WHY, Ended, Standing, Trial
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.gateway_commands import (
    RevisionProfile,
    SignedText,
    dump_signed,
    parse_signed,
)
from wire_contracts.payloads import dump_json, read_json

_STATE = "state.json"
_COMMAND = "command.json"
_SETTINGS = "settings.toml"
_HIGHEST_NUMBER = 999_999_999
_LOG: FilteringBoundLogger = structlog.get_logger()


class RevisionStore:
    """The folder of one gateway's revisions; used by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Make the folder when it is missing.

        Raises:
            ConfigError: It cannot be made.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            remedy = "move away what is in its place, or give the gateway a folder it may write to"
            message = f"{folder}: data: {error.strerror}; {remedy}"
            raise ConfigError(message) from error
        self._folder = folder

    def keep(self, number: int, signed: SignedText, settings: str) -> None:
        """Keep a revision: the command as it was signed, and its settings for people to read."""
        files = {_COMMAND: dump_signed(signed), _SETTINGS: settings.encode()}
        make_folder(self._of(number), files)

    def read(self, number: int) -> SignedText:
        """Return the signed command of a kept revision.

        Raises:
            ContractError: Its file holds something else.
            OSError: It cannot be read.
        """
        path = self._of(number) / _COMMAND
        return parse_signed(read_json(str(path), path.read_bytes()))

    def lay_out_profiles(
        self, number: int, profiles: Sequence[RevisionProfile], site: Path | None
    ) -> Path:
        """Return a folder with the site's own profiles and those of a revision.

        It is made afresh from the site's folder and the signed command each time, unless it holds
        that already: a full disk must not cost a revision that is there.
        """
        own = [] if site is None else sorted(site.glob("*.toml"))
        files = {path.name: path.read_bytes() for path in own}
        files |= {profile.file_name: profile.text.encode() for profile in profiles}
        folder = self._of(number).with_name(f"profiles-{number}")
        if not _holds(folder, files):
            make_folder(folder, files)
        return folder

    def profile_texts(self, file_name: str) -> frozenset[bytes]:
        """Return what the kept revisions hold under the name of a profile."""
        kept = self.standing().kept()
        files = [self._folder / f"profiles-{number}" / file_name for number in kept]
        return frozenset(file.read_bytes() for file in files if file.is_file())

    def forget_others(self, kept: frozenset[int]) -> None:
        """Remove the revisions that are not needed any more."""
        names = {self._of(number).name for number in kept}
        names |= {f"profiles-{number}" for number in kept}
        for path in self._folder.iterdir():
            if path.is_dir() and path.name not in names:
                shutil.rmtree(path, ignore_errors=True)

    def standing(self) -> Standing:
        """Return where the revisions stand; a damaged file costs the trust in all of them.

        The highest number stays known from the folders, so that nothing old is taken again.
        """
        path = self._folder / _STATE
        try:
            return _parse(read_json(str(path), path.read_bytes()))
        except FileNotFoundError:
            return Standing(highest=self._highest_kept())
        except ContractError as error:
            aside = path.with_name(f"{_STATE}.damaged")
            path.replace(aside)
            _LOG.exception("remote.state_set_aside", file=str(aside), error=str(error))
            return Standing(highest=self._highest_kept())

    def save(self, standing: Standing) -> None:
        """Keep where the revisions stand; on disk when this returns. What is there is left."""
        if peek(self._folder) != standing:
            replace_file(self._folder / _STATE, dump_json(_json(standing)))

    def _of(self, number: int) -> Path:
        return self._folder / f"revision-{number}"

    def _highest_kept(self) -> int:
        found = (path.name.partition("-") for path in self._folder.glob("revision-*"))
        return max((int(number) for _, _, number in found if number.isdecimal()), default=0)


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Return whether a folder has these files and no others."""
    try:
        return {path.name: path.read_bytes() for path in folder.iterdir()} == files
    except OSError:
        return False


def peek(folder: Path) -> Standing | None:
    """Return where the revisions stand without changing anything; None: nobody can tell."""
    path = folder / _STATE
    try:
        return _parse(read_json(str(path), path.read_bytes()))
    except (OSError, ContractError):
        return None


def _json(standing: Standing) -> JsonObject:
    trial, ended = standing.trial, standing.ended
    return {
        "v": 1,
        "highest": standing.highest,
        "confirmed": list(standing.confirmed),
        "trial": None
        if trial is None
        else {"number": trial.number, "command": trial.command_id, "starts": trial.starts},
        "ended": None
        if ended is None
        else {
            "number": ended.number,
            "command": ended.command_id,
            "confirmed": ended.is_confirmed,
            "why": ended.why,
        },
    }


def _parse(root: FieldReader) -> Standing:
    root.integer("v", low=1, high=1)
    return Standing(
        highest=_number(root, "highest"),
        confirmed=tuple(
            _number(FieldReader(place=root.place, values={"confirmed": each}), "confirmed")
            for each in root.array("confirmed", longest=100)
        ),
        trial=_trial(root.object("trial")) if root.has("trial") else None,
        ended=_ended(root.object("ended")) if root.has("ended") else None,
    )


def _number(reader: FieldReader, key: str) -> int:
    return reader.integer(key, low=0, high=_HIGHEST_NUMBER)


def _trial(reader: FieldReader) -> Trial:
    return Trial(
        number=_number(reader, "number"),
        command_id=reader.text("command"),
        starts=reader.integer("starts", low=1, high=1000),
    )


def _ended(reader: FieldReader) -> Ended:
    return Ended(
        number=_number(reader, "number"),
        command_id=reader.text("command"),
        is_confirmed=reader.boolean("confirmed"),
        why=reader.text("why", longest=LONGEST_WHY),
    )
