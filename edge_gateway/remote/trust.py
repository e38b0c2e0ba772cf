"""Decides which signatures count; the gateway's only user of cryptographic keys (ADR 0015)."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.gateway_commands import SignedText

PREFIX = "ed25519:"
"""How a public key begins in the settings; 32 bytes in base64 follow."""

_KEY_BYTES = 32


class KeyFormError(ValueError):
    """A text that is no public key; it says what to give instead."""


def key_bytes(text: str) -> bytes:
    """Return the 32 bytes of a public key as the settings write it; raise KeyFormError."""
    try:
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not text.startswith(PREFIX) or len(raw) != _KEY_BYTES:
        message = f"{text[:60]!r} is no public key; give the line that `gateway-keys new` printed"
        raise KeyFormError(message)
    return raw


def key_id(raw: bytes) -> str:
    """Return the short name of a key on the wire: the first 8 bytes of its SHA-256."""
    return hashlib.sha256(raw).hexdigest()[:16]


class Trust:
    """The public keys that this gateway obeys."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys as the settings write them; raise KeyFormError for what is none."""
        raws = [key_bytes(text) for text in keys]
        self._keys: Mapping[str, bytes] = {key_id(raw): raw for raw in raws}

    def check(self, signed: SignedText, place: str) -> None:
        """Return when the signature is a trusted key's; raise ContractError otherwise."""
        raw = self._keys.get(signed.key_id)
        if raw is None:
            raise ContractError(
                place=place,
                field="key",
                problem=f"{signed.key_id} is not trusted here",
                remedy="sign with a key of [remote] trusted_keys, or add its public half there",
                code=Code.SIGNATURE_UNTRUSTED,
            )
        if not _is_signature(raw, signed):
            raise ContractError(
                place=place,
                field="sig",
                problem=f"does not fit the body and key {signed.key_id}",
                remedy="somebody changed it on its way: sign it again, and find out who",
                code=Code.SIGNATURE_INVALID,
            )


def _is_signature(raw: bytes, signed: SignedText) -> bool:
    """Return whether the key signed the text.

    The library is read in here: most gateways never hear an order, and it takes 7 MB of memory.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # see above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415  # see above
        Ed25519PublicKey,
    )

    try:
        key = Ed25519PublicKey.from_public_bytes(raw)
        key.verify(signed.signature, signed.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return True
