"""Reads profile files: those that ship with the package and those of a site."""

import re
import tomllib
from decimal import Decimal
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from firmware_profiles.completeness import require_complete
from firmware_profiles.errors import ProfileError
from firmware_profiles.parse_profile import parse_profile, parse_reference
from firmware_profiles.profile import Profile
from firmware_profiles.word_orders import with_order

MAX_FILE_BYTES = 1_000_000
"""Twelve times the largest known map, so a wrong file is refused before it is parsed."""

UNREADABLE = "file"
"""The field of an error that is not about what stands in a file, but about reading it."""

_FILE_NAME = re.compile(r"([a-z0-9_]+@[0-9]+)\.toml")


def available_profiles(directory: Path | None = None) -> tuple[str, ...]:
    """Return the references of every released profile, sorted.

    Args:
        directory: A site's own folder of `ID@REVISION.toml` files, searched besides ours.

    Raises:
        ProfileError: The folder cannot be read.
    """
    names = {entry.name for entry in _library().iterdir()}
    if directory is not None:
        names |= {entry.name for entry in _site_files(directory)}
    return tuple(sorted(found[1] for name in names if (found := _FILE_NAME.fullmatch(name))))


def revisions_of(profile_id: str, directory: Path | None = None) -> tuple[int, ...]:
    """Return which revisions of a profile there are, ascending; empty when there is none."""
    references = (name.partition("@") for name in available_profiles(directory))
    return tuple(sorted(int(revision) for name, _, revision in references if name == profile_id))


def available_drafts() -> tuple[str, ...]:
    """Return the ids of the register maps that ship as drafts, sorted."""
    names = (entry.name for entry in _library().joinpath("drafts").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_profile(reference: str, directory: Path | None = None) -> Profile:
    """Return a released profile by its reference, such as `tuf_2000m@1`.

    A file of the site's own directory goes before ours. `x@1+CDAB` is `x@1` in the byte order
    that was probed.

    Raises:
        ProfileError: There is none, or it is not fit for use.
    """
    profile_id, revision, order = parse_reference(reference)
    plain = f"{profile_id}@{revision}"
    profile = _find(plain, directory)
    if profile is None:
        raise _no_such(reference, directory)
    if order is None:
        return profile
    if order not in profile.order_candidates:
        raise ProfileError(
            place=f"profile {reference!r}",
            field="reference",
            problem="the byte order of this profile is known",
            remedy=f"write {plain}",
        )
    return with_order(profile, order)


def _find(reference: str, directory: Path | None) -> Profile | None:
    name = f"{reference}.toml"
    if directory is not None and (directory / name).is_file():
        return _with_reference(_load(directory / name, str(directory / name)), reference)
    entry = _library().joinpath(name)
    if entry.is_file():
        return _with_reference(_load(entry, f"profiles/{name}"), reference)
    return None


def _no_such(reference: str, directory: Path | None) -> ProfileError:
    return ProfileError(
        place=f"profile {reference!r}",
        field="reference",
        problem="there is no such profile",
        remedy=f"use one of {', '.join(available_profiles(directory))}",
    )


def load_draft(profile_id: str) -> Profile:
    """Return a register map that ships as a draft: its facts are not all fit for use.

    Raises:
        ProfileError: There is none, or it does not fit the schema.
    """
    if profile_id not in available_drafts():
        raise ProfileError(
            place=f"draft {profile_id!r}",
            field="id",
            problem="there is no such draft",
            remedy=f"use one of {', '.join(available_drafts())}",
        )
    entry = _library().joinpath("drafts", f"{profile_id}.toml")
    return parse_profile(f"profiles/drafts/{entry.name}", read_document(entry, entry.name))


def load_profile_file(path: Path, *, is_draft_allowed: bool = False) -> Profile:
    """Return the profile of one file.

    Args:
        path: The file.
        is_draft_allowed: Accept what lacks facts; `completeness.open_points` lists them.

    Raises:
        ProfileError: It cannot be read, does not fit the schema, or is a draft.
    """
    profile = parse_profile(str(path), read_document(path, str(path)))
    if not is_draft_allowed:
        require_complete(profile)
    return profile


def read_document(entry: Traversable, place: str) -> dict[str, object]:
    """Return the tables of a TOML file with decimals kept exact.

    Raises:
        ProfileError: It cannot be read, is too large, or is no TOML.
    """
    try:
        data = entry.read_bytes()
    except OSError as error:
        problem = error.strerror or "cannot be read"
        raise ProfileError(
            place=place, field=UNREADABLE, problem=problem, remedy="give the path of a profile file"
        ) from error
    if len(data) > MAX_FILE_BYTES:
        problem = f"{len(data)} bytes are over {MAX_FILE_BYTES}"
        raise ProfileError(
            place=place, field=UNREADABLE, problem=problem, remedy="give a profile file"
        )
    try:
        return tomllib.loads(data.decode("utf-8"), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ProfileError(
            place=place, field=UNREADABLE, problem=str(error), remedy="correct the TOML"
        ) from error


def _site_files(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError as error:
        raise ProfileError(
            place=str(directory),
            field="directory",
            problem=error.strerror or "cannot be read",
            remedy="give the folder of the site's own profiles",
        ) from error


def _library() -> Traversable:
    return resources.files("firmware_profiles").joinpath("profiles")


def _load(entry: Traversable, place: str) -> Profile:
    profile = parse_profile(place, read_document(entry, place))
    require_complete(profile)
    return profile


def _with_reference(profile: Profile, reference: str) -> Profile:
    if profile.reference != reference:
        raise ProfileError(
            place=profile.place,
            field="profile.rev",
            problem=f"the file holds {profile.reference}",
            remedy=f"name the file {profile.reference}.toml",
        )
    return profile
