"""Keys with which people sign orders to gateways: made, kept in a file, used (ADR 0015)."""

import base64
import hashlib
import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from wire_contracts.gateway_commands import Command, SignedText, bytes_to_sign, dump_command

_PRIVATE = 0o600


class KeyFileError(ValueError):
    """A key file that cannot be used; the text reads `place: field: problem; remedy`."""


def new_key(path: Path) -> str:
    """Return the public line of a new key, whose private half is written to the file.

    Raises:
        KeyFileError: The file is there already, or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    except FileExistsError:
        message = f"{path}: file: is there already; give another name, a key is never overwritten"
        raise KeyFileError(message) from None
    except OSError as error:
        message = f"{path}: file: {error.strerror}; give a file in a folder you may write to"
        raise KeyFileError(message) from error
    with os.fdopen(handle, "wb") as file:
        file.write(text)
    return public_line(key)


def load_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key of a file.

    Raises:
        KeyFileError: It cannot be read, holds another key, or others may read it.
    """
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            message = f"{path}: file: others may read it; chmod 600 it, and think of a new key"
            raise KeyFileError(message)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        message = f"{path}: file: {error.strerror}; give the file that `gateway-keys new` wrote"
        raise KeyFileError(message) from error
    except (ValueError, TypeError) as error:
        if isinstance(error, KeyFileError):
            raise
        message = f"{path}: file: is no private key; give the file that `gateway-keys new` wrote"
        raise KeyFileError(message) from error
    if not isinstance(key, Ed25519PrivateKey):
        message = f"{path}: file: is not an Ed25519 key; make one with `gateway-keys new`"
        raise KeyFileError(message)
    return key


def public_line(key: Ed25519PrivateKey) -> str:
    """Return the key's public half as gateways have it in `[remote] trusted_keys`."""
    return f"ed25519:{base64.b64encode(key.public_key().public_bytes_raw()).decode()}"


def sign(command: Command, key: Ed25519PrivateKey) -> SignedText:
    """Return the command as it travels."""
    body = dump_command(command)
    return SignedText(
        key_id=hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16],
        body=body,
        signature=key.sign(bytes_to_sign(body)),
    )
