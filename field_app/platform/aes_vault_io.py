"""The vault of a machine with the library `cryptography`: AES-256-GCM, X25519 and scrypt."""

import hashlib
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from field_app.platform.pin_rules import (
    MOST_WRONG,
    NO_ATTEMPTS,
    is_good_pin,
    is_used_up,
    note_attempt,
    wait_ms,
)
from field_app.platform.ports import (
    Availability,
    Bound,
    PinOutcome,
    PinVerdict,
    VaultLockedError,
    VaultTamperedError,
)
from field_app.platform.vault_file_io import (
    VAULT_FILE,
    ScryptCost,
    Slot,
    VaultContent,
    destroy_vault,
    load_vault,
    save_vault,
)
from wire_contracts.operations import DeviceTime
from wire_contracts.payloads import dump_json
from wire_contracts.sealed import (
    KEY_BYTES,
    KEY_INFO,
    NONCE_BYTES,
    Envelope,
    SealedKind,
    bound_bytes,
    key_id_of,
)

COST: Final = ScryptCost(n=2**15, r=8, p=3)
"""OWASP Password Storage Cheat Sheet, scrypt: N=2^15, r=8, p=3 (32 MiB), one of its equal choices;
more memory than that is much on a cheap tablet."""

_SCRYPT_ROOM = 128 * 1024 * 1024
_SALT_BYTES = 16
_OPEN = b"\x01"
_INBOX = b"\x02"
_INBOX_INFO = b"lamplighter inbox v1"
_WRAP_BOUND = b"lamplighter vault key v1"
_INBOX_BOUND = b"lamplighter vault inbox v1"
_ROW_BOUND = b"lamplighter row v1"


class AesVault:
    """The vault whose keys lie in `folder`; one per process.

    Every row has its own random nonce of 96 bits; NIST SP 800-38D 8.3 allows 2^32 of them under one
    key, a tablet writes some thousands a year. Python cannot promise that no copy of a key stays in
    memory; the vault holds one buffer and overwrites it when it is locked.
    """

    def __init__(self, folder: Path, *, cost: ScryptCost = COST) -> None:
        """Look at the file; nothing is opened yet."""
        self._path = folder / VAULT_FILE
        self._cost = cost
        self._content = load_vault(self._path)
        self._key = bytearray()
        self._inbox: X25519PrivateKey | None = None

    def availability(self) -> Availability:
        """Return that personal data may be kept."""
        return Availability(is_available=True)

    def is_open(self) -> bool:
        """Return whether the key is in memory."""
        return bool(self._key)

    def has_key(self) -> bool:
        """Return whether a PIN protects a key here."""
        return bool(self.people())

    def people(self) -> frozenset[str]:
        """Return the accounts that have a PIN."""
        return frozenset(name for name, slot in self._content.slots.items() if slot.wrapped)

    def wiped_people(self) -> frozenset[str]:
        """Return the accounts whose PIN was wrong too often."""
        return frozenset(name for name, slot in self._content.slots.items() if not slot.wrapped)

    def set_pin(self, account_id: str, pin: str) -> None:
        """Give a person a PIN; see the port."""
        if not is_good_pin(pin):
            message = "a PIN has 6 to 12 digits, not all the same and not counted up or down"
            raise ValueError(message)
        if self._content.is_shut:
            message = "too many wrong PINs; the office must give a new one-time code first"
            raise VaultLockedError(message)
        if self.has_key() and not self._key:
            message = "somebody with a PIN must open the tablet before another one is set"
            raise VaultLockedError(message)
        content = self._content if self.has_key() else self._fresh_content()
        slots = {**content.slots, account_id: self._wrapped_by(pin)}
        self._keep(replace(content, slots=slots))

    def unlock(self, account_id: str, pin: str, now: DeviceTime) -> PinVerdict:
        """Open the vault with a person's PIN; see the port."""
        slot = self._content.slots.get(account_id)
        if slot is None:
            return PinVerdict(outcome=PinOutcome.UNKNOWN)
        if not slot.wrapped:
            return PinVerdict(outcome=PinOutcome.WIPED)
        left_ms = wait_ms(slot.attempts, now)
        if left_ms > 0:
            tries = MOST_WRONG - slot.attempts.wrong
            return PinVerdict(outcome=PinOutcome.WAIT, tries_left=tries, wait_ms=left_ms)
        counted = replace(slot, attempts=note_attempt(slot.attempts, now))
        self._put_slot(account_id, counted)
        return self._try(account_id, counted, pin, now)

    def lock(self) -> None:
        """Take the key out of memory."""
        self._key[:] = bytes(len(self._key))
        self._key = bytearray()
        self._inbox = None

    def encrypt(self, plain: bytes, bound: Bound) -> bytes | None:
        """Return what may be kept instead; see the port."""
        if self._key:
            nonce = secrets.token_bytes(NONCE_BYTES)
            return _OPEN + nonce + AESGCM(bytes(self._key)).encrypt(nonce, plain, _row_bound(bound))
        if not self.has_key():
            return None
        box = _seal(self._content.inbox_public, _INBOX_INFO, plain, _row_bound(bound))
        return None if box is None else _INBOX + b"".join(box)

    def decrypt(self, kept: bytes, bound: Bound) -> bytes:
        """Return what was encrypted; see the port."""
        if not self._key or self._inbox is None:
            message = "the tablet is locked; give the PIN first"
            raise VaultLockedError(message)
        try:
            if kept[:1] == _OPEN:
                return _opened(bytes(self._key), kept[1:], _row_bound(bound))
            if kept[:1] == _INBOX:
                return self._from_inbox(kept[1:], _row_bound(bound))
        except (InvalidTag, ValueError) as error:
            message = f"{bound.entity} {bound.entity_id}: not what was put here; sync again"
            raise VaultTamperedError(message) from error
        message = f"{bound.entity} {bound.entity_id}: not written by a vault; sync again"
        raise VaultTamperedError(message)

    def seal(
        self, public_key: bytes, kind: SealedKind, about: str, plain: bytes
    ) -> Envelope | None:
        """Return what only the server can open; see the port."""
        box = _seal(public_key, KEY_INFO, plain, bound_bytes(kind, about))
        if box is None:
            return None
        return Envelope(
            kind=kind,
            about=about,
            key_id=key_id_of(public_key),
            ephemeral=box[0],
            nonce=box[1],
            box=box[2],
        )

    def forget(self) -> None:
        """Destroy the key and every PIN."""
        self.lock()
        destroy_vault(self._path)
        self._content = VaultContent()

    def admit(self) -> None:
        """Let a key be made again after a new enrolment."""
        if self._content.is_shut:
            self.forget()

    def _fresh_content(self) -> VaultContent:
        self._key = bytearray(AESGCM.generate_key(bit_length=256))
        self._inbox = X25519PrivateKey.generate()
        nonce = secrets.token_bytes(NONCE_BYTES)
        private = self._inbox.private_bytes_raw()
        return VaultContent(
            inbox_public=self._inbox.public_key().public_bytes_raw(),
            inbox_private=nonce + AESGCM(bytes(self._key)).encrypt(nonce, private, _INBOX_BOUND),
        )

    def _wrapped_by(self, pin: str) -> Slot:
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
        wrapping = _stretch(pin, salt, self._cost)
        wrapped = AESGCM(wrapping).encrypt(nonce, bytes(self._key), _WRAP_BOUND)
        return Slot(salt=salt, cost=self._cost, nonce=nonce, wrapped=wrapped)

    def _try(self, account_id: str, slot: Slot, pin: str, now: DeviceTime) -> PinVerdict:
        try:
            # the tag is compared by OpenSSL in constant time; there is no other check of the PIN
            key = _opened(
                _stretch(pin, slot.salt, slot.cost), slot.nonce + slot.wrapped, _WRAP_BOUND
            )
            private = _opened(key, self._content.inbox_private, _INBOX_BOUND)
        except (InvalidTag, ValueError):
            return self._refuse(account_id, slot, now)
        self._key = bytearray(key)
        self._inbox = X25519PrivateKey.from_private_bytes(private)
        self._put_slot(account_id, replace(slot, attempts=NO_ATTEMPTS))
        return PinVerdict(outcome=PinOutcome.OPENED, tries_left=MOST_WRONG)

    def _refuse(self, account_id: str, slot: Slot, now: DeviceTime) -> PinVerdict:
        tries_left = MOST_WRONG - slot.attempts.wrong
        if not is_used_up(slot.attempts):
            return PinVerdict(
                outcome=PinOutcome.WRONG,
                tries_left=tries_left,
                wait_ms=wait_ms(slot.attempts, now),
            )
        wiped = Slot(salt=b"", cost=slot.cost, nonce=b"", wrapped=b"")
        slots = {**self._content.slots, account_id: wiped}
        is_last = not any(each.wrapped for each in slots.values())
        if is_last:
            destroy_vault(self._path)
        content = VaultContent(slots=slots) if is_last else replace(self._content, slots=slots)
        self._keep(replace(content, is_shut=is_last))
        return PinVerdict(outcome=PinOutcome.WIPED)

    def _put_slot(self, account_id: str, slot: Slot) -> None:
        self._keep(replace(self._content, slots={**self._content.slots, account_id: slot}))

    def _keep(self, content: VaultContent) -> None:
        save_vault(self._path, content)
        self._content = content

    def _from_inbox(self, kept: bytes, bound: bytes) -> bytes:
        if self._inbox is None:
            message = "no key"
            raise ValueError(message)
        ephemeral, rest = kept[:KEY_BYTES], kept[KEY_BYTES:]
        shared = self._inbox.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        key = _derive(shared, ephemeral, self._content.inbox_public, _INBOX_INFO)
        return _opened(key, rest, bound)


def _stretch(pin: str, salt: bytes, cost: ScryptCost) -> bytes:
    return hashlib.scrypt(
        pin.encode(),
        salt=salt,
        n=cost.n,
        r=cost.r,
        p=cost.p,
        maxmem=_SCRYPT_ROOM,
        dklen=KEY_BYTES,
    )


def _row_bound(bound: Bound) -> bytes:
    place = {"entity": bound.entity, "id": bound.entity_id, "column": bound.column}
    return _ROW_BOUND + dump_json(place)


def _opened(key: bytes, kept: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(kept[:NONCE_BYTES], kept[NONCE_BYTES:], bound)


def _derive(shared: bytes, ephemeral: bytes, public_key: bytes, info: bytes) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=ephemeral + public_key, info=info)
    return hkdf.derive(shared)


def _seal(
    public_key: bytes, info: bytes, plain: bytes, bound: bytes
) -> tuple[bytes, bytes, bytes] | None:
    """Return ephemeral public key, nonce and box; None for a key that no point answers to."""
    mine = X25519PrivateKey.generate()
    ephemeral = mine.public_key().public_bytes_raw()
    try:
        shared = mine.exchange(X25519PublicKey.from_public_bytes(public_key))
    except ValueError:
        return None
    nonce = secrets.token_bytes(NONCE_BYTES)
    key = _derive(shared, ephemeral, public_key, info)
    return ephemeral, nonce, AESGCM(key).encrypt(nonce, plain, bound)
