"""The way of photos between tablet and server: offered, torn, garbled, resumed; no HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from field_app.platform.aes_vault_io import AesVault
from field_app.platform.no_vault import NoVault
from field_app.platform.ports import Availability, Bound
from field_app.sync.reasons import Reason, SyncProblem
from field_app.sync.uploading import BlobRefused, Standing
from sync_server.access.tablet_store import TabletIdentity
from sync_server.blobs.intake import Intake, MisplacedError
from tests.sync_server.blobs.blob_parts import jpeg
from tests.sync_simulation.mail import Mail
from wire_contracts.blobs import BlobAnswer, BlobOffer
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.sealed import Envelope, SealedKind

T = TypeVar("T")

PICTURES = 40
"""Different photos; two crews may well send the same one."""


class OpenVault(NoVault):
    """Keeps what it is given as it is: what a cipher costs, no history needs to pay.

    What is sealed to the server is sealed for real: the server opens it.
    """

    def __init__(self, folder: Path) -> None:
        """Seal as the real vault of the tablet in `folder` does."""
        self._real = AesVault(folder)

    @override
    def availability(self) -> Availability:
        return Availability(is_available=True, reason="")

    @override
    def is_open(self) -> bool:
        return True

    @override
    def has_key(self) -> bool:
        return True

    @override
    def encrypt(self, plain: bytes, bound: Bound) -> bytes | None:
        del bound
        return plain

    @override
    def decrypt(self, kept: bytes, bound: Bound) -> bytes:
        del bound
        return kept

    @override
    def seal(
        self, public_key: bytes, kind: SealedKind, about: str, plain: bytes
    ) -> Envelope | None:
        return self._real.seal(public_key, kind, about, plain)


@cache
def picture(number: int) -> bytes:
    return jpeg(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoLine:
    """The real intake behind a bad network, as one tablet sees it; implements BlobApi."""

    intake: Intake
    seat: TabletIdentity
    mail: Mail
    admit: Callable[[], None]

    def offer(self, offer: BlobOffer) -> BlobAnswer:
        return self._suffer(lambda: self.intake.offer(self.seat, offer))

    def standing(self, sha256: str) -> Standing | None:
        found = self._suffer(lambda: self.intake.standing(self.seat, sha256))
        return None if found is None else Standing(is_had=found.is_had, offset=found.offset)

    def append(self, sha256: str, offset: int, data: bytes) -> Standing:
        return self._suffer(lambda: self._append(sha256, offset, self._torn(data)))

    def _torn(self, data: bytes) -> bytes:
        """Return what arrives of a piece: all of it, its beginning, or something else."""
        if self.mail.is_fair or self.mail.rng.random() < 0.4:
            return data
        if self.mail.rng.random() < 0.4:
            return data[: self.mail.rng.randrange(len(data) + 1)]
        return data[:-1] + bytes([data[-1] ^ 1])

    def _append(self, sha256: str, offset: int, data: bytes) -> Standing:
        upload = self.intake.upload(self.seat, sha256, offset)
        if upload is None:
            raise BlobRefused(Code.NOT_FOUND, "offer it first")
        upload.add(data)
        found = upload.finish()
        return Standing(is_had=found.is_had, offset=found.offset)

    def _suffer(self, ask: Callable[[], T]) -> T:
        fate = 1.0 if self.mail.is_fair else self.mail.rng.random()
        if fate < 0.1:
            raise SyncProblem(Reason.NO_NETWORK, "the request was lost")
        try:
            self.admit()
            answer = ask()
        except MisplacedError as error:
            raise BlobRefused(Code.BLOB_OFFSET, str(error), error.offset) from error
        except ContractError as error:
            raise BlobRefused(error.code, str(error)) from error
        if fate < 0.2:
            raise SyncProblem(Reason.NO_NETWORK, "the answer was lost")
        return answer

    def close(self) -> None:
        """Nothing is open."""
