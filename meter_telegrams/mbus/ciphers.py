"""Encrypted telegrams become clear, or are refused: AES modes 5 and 7, MAC, session cipher.

EN 13757-7:2018 section 7.6 and annexes; OMS specification volume 2, sections 9.2 to 9.4. Whether
a key fits is proved by the two fillers 2F 2F that every encrypted part begins with.

The library of the ciphers is read where it is used: a gateway without encrypted meters does not
need its 7 MB of memory.
"""

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.header import Header

KEY_SIZE = 16
BLOCK = 16

_PROOF = b"\x2f\x2f"
_CAME_CLEAR = "came decrypted already"
_CBC_WITH_ADDRESS = 5
_CBC_WITH_DERIVED_KEY = 7
_DERIVE_ENCRYPTION = 0x00
_DERIVE_MAC = 0x01
_KDF_MASK = 0x30
_KDF_COUNTER = 0x10
_PADDING = bytes([7]) * 7


def decrypted(
    body: bytes, header: Header, address: bytes, counter: bytes, key: bytes | None
) -> tuple[bytes, str]:
    """Return the clear records, and what proves them.

    Args:
        body: What follows the header.
        header: Names mode, number of encrypted blocks and access number.
        address: Manufacturer, identification, version and type of the meter as sent.
        counter: Message counter of the authentication layer, four bytes; empty without one.
        key: The meter's key; None when nobody gave one.

    Raises:
        RefusedTelegramError: No key, a wrong one, or a mode that is not read here.
    """
    mode = header.security_mode
    if mode == 0:
        return body, ""
    if mode not in {_CBC_WITH_ADDRESS, _CBC_WITH_DERIVED_KEY}:
        raise _refused(
            TelegramCode.UNSUPPORTED,
            "configuration",
            f"security mode {mode} is not read here",
            "ask the maker for mode 5 or 7",
        )
    size = header.encrypted_blocks * BLOCK
    if size == 0:
        return body, "nothing was encrypted"
    came_clear = body[: len(_PROOF)] == _PROOF
    if size > len(body):
        raise _refused(
            TelegramCode.CUT,
            "length",
            f"{len(body)} bytes, {size} are said to be encrypted",
            "read the meter again",
        )
    if key is None:
        return _already_clear(body, mode, came_clear=came_clear)
    clear = _decrypt(body[:size], header, address, counter, key)
    if clear[: len(_PROOF)] == _PROOF:
        return clear + body[size:], f"decrypted with mode {mode}"
    if came_clear:
        return body, _CAME_CLEAR
    raise _refused(
        TelegramCode.WRONG_KEY,
        "key",
        f"the decrypted part begins with {clear[:2].hex(' ').upper()}, not 2F 2F",
        "correct the key of this meter",
    )


def _already_clear(body: bytes, mode: int, *, came_clear: bool) -> tuple[bytes, str]:
    """Return what a receiver has decrypted before; without a key nothing else can be read."""
    if came_clear:
        return body, _CAME_CLEAR
    raise _refused(
        TelegramCode.ENCRYPTED,
        "key",
        f"is not known, the telegram is encrypted (mode {mode})",
        "give the meter's key of 32 hexadecimal digits",
    )


def _decrypt(cipher: bytes, header: Header, address: bytes, counter: bytes, key: bytes) -> bytes:
    if header.security_mode == _CBC_WITH_ADDRESS:
        return _cbc(cipher, key, address + bytes([header.access_no or 0]) * 8)
    if header.extension & _KDF_MASK != _KDF_COUNTER or not counter:
        raise _refused(
            TelegramCode.UNSUPPORTED,
            "configuration",
            f"mode 7 with extension {header.extension:02X} derives its key in another way",
            "ask the maker for key derivation by message counter",
        )
    return _cbc(cipher, derived_key(key, _DERIVE_ENCRYPTION, counter, address[2:6]), bytes(BLOCK))


def derived_key(key: bytes, purpose: int, counter: bytes, identification: bytes) -> bytes:
    """Return the key for one message; OMS volume 2 section 9.4 (key derivation function).

    Args:
        key: The meter's own key.
        purpose: 0 encryption, 1 authentication, both from the meter.
        counter: Message counter, four bytes as sent.
        identification: Identification number, four bytes as sent.
    """
    return _cmac(key, bytes([purpose]) + counter + identification + _PADDING)


def is_authentic(
    key: bytes, counter: bytes, identification: bytes, message: bytes, mac: bytes
) -> bool:
    """Return whether the MAC of the authentication layer (AES-CMAC, cut to its length) fits."""
    own = derived_key(key, _DERIVE_MAC, counter, identification)
    return _cmac(own, message)[: len(mac)] == mac


def session_decrypted(body: bytes, key: bytes, counter_block: bytes) -> bytes:
    """Return the clear bytes of the extended link layer (AES counter mode)."""
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415  # see the top
        Cipher,
        algorithms,
        modes,
    )

    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter_block)).decryptor()
    return decryptor.update(body) + decryptor.finalize()


def _cbc(cipher: bytes, key: bytes, vector: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415  # see the top
        Cipher,
        algorithms,
        modes,
    )

    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return decryptor.update(cipher) + decryptor.finalize()


def _cmac(key: bytes, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import algorithms  # noqa: PLC0415  # see the top
    from cryptography.hazmat.primitives.cmac import CMAC  # noqa: PLC0415  # see the top

    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def _refused(code: TelegramCode, field: str, problem: str, remedy: str) -> RefusedTelegramError:
    return RefusedTelegramError(code, "security", field, problem, remedy)
