"""A tablet that cannot encrypt: no personal data and no photos are kept, and it says so."""

from field_app.platform.ports import (
    Availability,
    Bound,
    PinOutcome,
    PinVerdict,
    VaultLockedError,
)
from wire_contracts.operations import DeviceTime
from wire_contracts.sealed import Envelope, SealedKind


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid


class NoVault:
    """No encryption at rest."""

    def availability(self) -> Availability:
        """Return that personal data and photos are not kept."""
        return Availability(
            is_available=False,
            reason=_("Without a vault no photos and no personal data are kept here."),
        )

    def is_open(self) -> bool:
        """Return False."""
        return False

    def has_key(self) -> bool:
        """Return False."""
        return False

    def people(self) -> frozenset[str]:
        """Return nobody."""
        return frozenset()

    def wiped_people(self) -> frozenset[str]:
        """Return nobody."""
        return frozenset()

    def set_pin(self, account_id: str, pin: str) -> None:
        """Raise VaultLockedError: a PIN would protect nothing."""
        del account_id, pin
        message = "this tablet has no vault; install the extra tablet-vault"
        raise VaultLockedError(message)

    def unlock(self, account_id: str, pin: str, now: DeviceTime) -> PinVerdict:
        """Return UNKNOWN."""
        del account_id, pin, now
        return PinVerdict(outcome=PinOutcome.UNKNOWN)

    def lock(self) -> None:
        """Do nothing."""

    def encrypt(self, plain: bytes, bound: Bound) -> bytes | None:
        """Return None: nothing may be kept."""
        del plain, bound
        return None

    def decrypt(self, kept: bytes, bound: Bound) -> bytes:
        """Raise VaultLockedError."""
        del kept, bound
        message = "this tablet has no vault; what another one encrypted cannot be read here"
        raise VaultLockedError(message)

    def seal(
        self, public_key: bytes, kind: SealedKind, about: str, plain: bytes
    ) -> Envelope | None:
        """Return None: nothing can be sealed."""
        del public_key, kind, about, plain
        return None

    def forget(self) -> None:
        """Do nothing."""

    def admit(self) -> None:
        """Do nothing."""
