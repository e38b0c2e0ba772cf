"""The server's key pairs for sealed envelopes: made at set-up, kept as files, used to open."""

import stat
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sync_server.private_files_io import PRIVATE_FOLDER, write_whole
from wire_contracts.sealed import KEY_BYTES, KEY_INFO, Envelope, bound_bytes, key_id_of

_LOG = structlog.get_logger("sync_server.sync.sealing_keys")


class SealingKeyError(RuntimeError):
    """A key that cannot be used; the text reads `place: field: problem; remedy`."""


class SealingKeys:
    """The key pairs in one folder; the one made last is what tablets seal to.

    Former pairs stay: what was sealed to them may still arrive.
    """

    def __init__(self, folder: Path | None) -> None:
        """Use the keys of `folder`; None: this server takes nothing sealed. Nothing is read yet."""
        self._folder = folder
        self._pairs: dict[Path, _Pair] = {}
        self._read_at_ns = _NEVER
        self._bad: frozenset[str] = frozenset()

    def ensure(self, now_utc: datetime) -> str | None:
        """Return the name of the newest key, made now when there is none; None without a folder."""
        if self._folder is None:
            return None
        names = self._load()
        return next(reversed(names), None) or self.rotate(now_utc)

    def rotate(self, now_utc: datetime) -> str:
        """Return the name of a new key pair: tablets get its public half at their next pull.

        Raises:
            SealingKeyError: There is no folder, or it cannot be written.
        """
        if self._folder is None:
            message = "sealing keys: folder: is not set; start the server with a data folder"
            raise SealingKeyError(message)
        pair = X25519PrivateKey.generate()
        key_id = key_id_of(pair.public_key().public_bytes_raw())
        text = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = self._folder / f"{now_utc:%Y%m%dT%H%M%S%f}-{key_id}.pem"
        try:
            self._folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            write_whole(path, text)
        except OSError as error:
            message = f"{path}: file: {error.strerror}; give the server a folder it may write to"
            raise SealingKeyError(message) from error
        return key_id

    @property
    def public_key(self) -> bytes | None:
        """Return the public half of the newest pair, 32 bytes; None when there is none."""
        pairs = self._load()
        newest = next(reversed(pairs.values()), None)
        return None if newest is None else newest.public_key().public_bytes_raw()

    def key_ids(self) -> list[str]:
        """Return the names of all pairs, the newest last."""
        return list(self._load())

    def open(self, envelope: Envelope) -> bytes | None:
        """Return the content; None when no key of ours opens it under this name."""
        pair = self._load().get(envelope.key_id)
        if pair is None:
            return None
        ours = pair.public_key().public_bytes_raw()
        try:
            shared = pair.exchange(X25519PublicKey.from_public_bytes(envelope.ephemeral))
            key = HKDF(
                algorithm=SHA256(),
                length=KEY_BYTES,
                salt=envelope.ephemeral + ours,
                info=KEY_INFO,
            ).derive(shared)
            bound = bound_bytes(envelope.kind, envelope.about)
            return AESGCM(key).decrypt(envelope.nonce, envelope.box, bound)
        except (InvalidTag, ValueError):
            return None

    def _load(self) -> dict[str, X25519PrivateKey]:
        """Return the pairs by name, the newest last; read anew when the folder has changed.

        At a start a file that is no key of ours is an error. Later it is told in the log and passed
        over until it is put right: every tablet's pull comes by here.
        """
        if self._folder is None or not self._folder.is_dir():
            return {}
        changed_at_ns = self._folder.stat().st_mtime_ns
        if changed_at_ns != self._read_at_ns:
            bad = self._read_all(sorted(self._folder.glob("*.pem")))
            # a file's rights do not change the folder: what is bad is looked at again
            self._read_at_ns = _LOOK_AGAIN if bad else changed_at_ns
            for message in sorted(bad - self._bad):
                _LOG.error("sealing_key_passed_over", error=message)
            self._bad = bad
        return dict(self._pairs.values())

    def _read_all(self, paths: Sequence[Path]) -> frozenset[str]:
        """Read the pairs of the files; return what is wrong with some, which stay as they were."""
        read, bad = dict[Path, _Pair](), set[str]()
        for path in paths:
            try:
                read[path] = _read_pair(path)
            except SealingKeyError as error:
                if self._read_at_ns == _NEVER:
                    raise
                bad.add(str(error))
                if path in self._pairs:
                    read[path] = self._pairs[path]
        self._pairs = read
        return frozenset(bad)


_Pair = tuple[str, X25519PrivateKey]
"""A pair with its name."""

_NEVER, _LOOK_AGAIN = -2, -1
"""In place of when the folder was read: not yet; with files that were passed over."""


FOLDER = "sealing_keys"
"""Beside the database, and beside its copies."""


def copy_keys(source: Path, target: Path) -> int:
    """Return how many key pairs were copied into a folder that lacked them.

    Without them nobody reads what tablets sealed, so every copy of the database has them beside it.

    Raises:
        SealingKeyError: The folder cannot be written.
    """
    missing = [path for path in sorted(source.glob("*.pem")) if not (target / path.name).exists()]
    try:
        if missing:
            target.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        for path in missing:
            write_whole(target / path.name, path.read_bytes())
    except OSError as error:
        message = f"{target}: folder: {error.strerror}; give a folder you may write to"
        raise SealingKeyError(message) from error
    return len(missing)


def _read_pair(path: Path) -> tuple[str, X25519PrivateKey]:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            message = f"{path}: file: others may read it; chmod 600 it, then rotate the key"
            raise SealingKeyError(message)
        pair = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        message = f"{path}: file: {error.strerror}; give it back from the backup"
        raise SealingKeyError(message) from error
    except (ValueError, TypeError) as error:
        message = f"{path}: file: is no private key; give it back from the backup"
        raise SealingKeyError(message) from error
    if not isinstance(pair, X25519PrivateKey):
        message = f"{path}: file: is not an X25519 key; move it out of this folder"
        raise SealingKeyError(message)
    return key_id_of(pair.public_key().public_bytes_raw()), pair
