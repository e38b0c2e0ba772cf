"""Decides which six digits a second factor shows at a moment, and which of them still count."""

import base64
import hashlib
import hmac
from urllib.parse import quote

STEP_S = 30
"""Seconds a code lasts; RFC 6238 section 5.2 recommends 30."""

DIGITS = 6
SECRET_BYTES = 20
"""160 bits, as long as the hash; RFC 4226 section 4, requirement R6 recommends it."""

STEPS_ASIDE = 1
"""One code before and one behind the present one count too: clocks differ, people type slowly.
RFC 6238 section 5.2 recommends at most one for the network delay."""


def secret_text(secret: bytes) -> str:
    """Return a secret as people type it into an app: base32 without padding (RFC 4648)."""
    return base64.b32encode(secret).decode().rstrip("=")


def code_at(secret: bytes, step: int) -> str:
    """Return the code of one step, with leading zeros (RFC 4226 section 5.3, HMAC-SHA-1).

    SHA-1 because every authenticator app knows it and many know nothing else; HMAC does not lean
    on what is broken in it.
    """
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    place = mac[-1] & 0x0F
    number = int.from_bytes(mac[place : place + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_at(at_s: int) -> int:
    """Return the number of the step that holds a moment, in seconds since 1970."""
    return at_s // STEP_S


def matching_step(secret: bytes, typed: str, at_s: int, last_step: int) -> int | None:
    """Return the step whose code was typed, None when none fits.

    Only steps behind `last_step` count: a code that was used is used up (RFC 6238 section 5.2).
    """
    digits = typed.replace(" ", "").encode("utf-8", "replace")
    now = step_at(at_s)
    for step in range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1):
        if step > last_step and hmac.compare_digest(code_at(secret, step).encode(), digits):
            return step
    return None


def looks_like_code(typed: str) -> bool:
    """Return whether six digits were typed, not a recovery code."""
    digits = typed.replace(" ", "")
    return len(digits) == DIGITS and digits.isascii() and digits.isdigit()


def enrolment_uri(secret: bytes, login: str, site_name: str) -> str:
    """Return what an authenticator app scans; the form is that of Google's key URI."""
    issuer = quote(site_name, safe="")
    return (
        f"otpauth://totp/{issuer}:{quote(login, safe='')}?secret={secret_text(secret)}"
        f"&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"
    )
