"""Owns the file with the wrapped keys: counted on disk before a PIN is tried, wiped for good."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from field_app.platform.pin_rules import NO_ATTEMPTS, Attempts
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.operations import MAX_COUNTER
from wire_contracts.payloads import dump_json

VAULT_FILE: Final = "vault.no-backup.json"
"""Apart from the store: no copy of the store, made before a step or set aside, holds a key."""

_VERSION = 1
_MOST_PEOPLE = 500
_LONGEST_KEY = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScryptCost:
    """RFC 7914 section 2: N = CPU and memory cost, r = block size, p = parallel runs."""

    n: int
    r: int
    p: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The data key wrapped by one person's PIN; `wrapped` is empty when it was wiped."""

    salt: bytes
    cost: ScryptCost
    nonce: bytes
    wrapped: bytes
    attempts: Attempts = NO_ATTEMPTS


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultContent:
    """What the file holds.

    Attributes:
        inbox_public: Rows that arrive while nobody has given a PIN are sealed to this key.
        inbox_private: Its other half, encrypted with the data key (nonce first).
        slots: By account.
        is_shut: The last slot was wiped by wrong PINs: no key is made before a new enrolment.
    """

    inbox_public: bytes = b""
    inbox_private: bytes = b""
    slots: Mapping[str, Slot] = field(default_factory=dict)
    is_shut: bool = False


def load_vault(path: Path) -> VaultContent:
    """Return what the file holds; one that cannot be read holds no key any more."""
    try:
        root = FieldReader(place=path.name, values=json.loads(path.read_bytes()))
        return _parse(root)
    except FileNotFoundError:
        return VaultContent()
    except (ValueError, ContractError):
        return VaultContent()


def save_vault(path: Path, content: VaultContent) -> None:
    """Replace the file in one step, then overwrite the old one: it may hold a wiped key."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(dump_json(_json(content)))
        stream.flush()
        os.fsync(stream.fileno())
    if not path.exists():
        fresh.replace(path)
        _sync_folder(path.parent)
        return
    with path.open("r+b") as old:
        fresh.replace(path)
        _sync_folder(path.parent)
        _overwrite(old)


def destroy_vault(path: Path) -> None:
    """Overwrite and remove the file; flash may keep old cells, the platform's encryption helps."""
    for each in (path, path.with_name(path.name + ".new")):
        if not each.exists():
            continue
        with each.open("r+b") as stream:
            _overwrite(stream)
        each.unlink()
    _sync_folder(path.parent)


def _overwrite(stream: BinaryIO) -> None:
    stream.write(os.urandom(os.fstat(stream.fileno()).st_size))
    stream.flush()
    os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _json(content: VaultContent) -> JsonObject:
    return {
        "v": _VERSION,
        "inbox_public": _text(content.inbox_public),
        "inbox_private": _text(content.inbox_private),
        "is_shut": content.is_shut,
        "slots": [_slot_json(account, slot) for account, slot in sorted(content.slots.items())],
    }


def _slot_json(account: str, slot: Slot) -> JsonObject:
    return {
        "account": account,
        "salt": _text(slot.salt),
        "n": slot.cost.n,
        "r": slot.cost.r,
        "p": slot.cost.p,
        "nonce": _text(slot.nonce),
        "wrapped": _text(slot.wrapped),
        "wrong": slot.attempts.wrong,
        "mono_ms": slot.attempts.last_mono_ms,
        "boot_id": slot.attempts.last_boot_id,
    }


def _parse(root: FieldReader) -> VaultContent:
    root.integer("v", low=_VERSION, high=_VERSION)
    readers = root.objects("slots", longest=_MOST_PEOPLE)
    return VaultContent(
        inbox_public=_bytes(root, "inbox_public"),
        inbox_private=_bytes(root, "inbox_private"),
        is_shut=root.boolean("is_shut"),
        slots={each.text("account", longest=64): _parse_slot(each) for each in readers},
    )


def _parse_slot(reader: FieldReader) -> Slot:
    return Slot(
        salt=_bytes(reader, "salt"),
        cost=ScryptCost(
            n=reader.integer("n", low=2, high=2**24),
            r=reader.integer("r", low=1, high=64),
            p=reader.integer("p", low=1, high=64),
        ),
        nonce=_bytes(reader, "nonce"),
        wrapped=_bytes(reader, "wrapped"),
        attempts=Attempts(
            wrong=reader.integer("wrong", low=0, high=MAX_COUNTER),
            last_mono_ms=reader.integer("mono_ms", low=0, high=MAX_COUNTER),
            last_boot_id=str(reader.values.get("boot_id") or ""),
        ),
    )


def _text(plain: bytes) -> str:
    return base64.b64encode(plain).decode()


def _bytes(reader: FieldReader, key: str) -> bytes:
    if not reader.values.get(key):
        return b""
    return base64.b64decode(reader.text(key, longest=_LONGEST_KEY), validate=True)
