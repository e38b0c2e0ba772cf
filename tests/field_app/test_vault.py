"""The vault: a PIN opens it, rows open in their own place only, wrong PINs wait and then wipe."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from field_app.platform.aes_vault_io import COST, AesVault
from field_app.platform.no_vault import NoVault
from field_app.platform.pin_rules import MOST_WRONG, NO_ATTEMPTS, is_good_pin, note_attempt, wait_ms
from field_app.platform.ports import (
    Bound,
    PinOutcome,
    PinVerdict,
    VaultLockedError,
    VaultTamperedError,
)
from field_app.platform.vault_file_io import VAULT_FILE, Slot
from tests.field_app.vault_parts import QUICK, Moments, at, quick_vault
from wire_contracts.operations import DeviceTime
from wire_contracts.sealed import KEY_INFO, SealedKind, bound_bytes

PIN, OTHER_PIN = "482916", "739105"
ROW = Bound(entity="order_person", entity_id="o-1", column="document")
PLAIN = "王秀英 138 0013 8000".encode()


@pytest.fixture
def vault(tmp_path: Path) -> AesVault:
    found = AesVault(tmp_path, cost=QUICK)
    found.set_pin("wang", PIN)
    return found


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> AesVault:
    """One open vault for tests that leave it as it was."""
    found = quick_vault(tmp_path_factory.mktemp("vault"))
    found.set_pin("wang", PIN)
    return found


def again(tmp_path: Path) -> AesVault:
    return AesVault(tmp_path, cost=QUICK)


def sealed(vault: AesVault | NoVault, bound: Bound = ROW) -> bytes:
    kept = vault.encrypt(PLAIN, bound)
    assert kept is not None
    return kept


def test_what_was_kept_opens_with_the_pin_after_a_restart(vault: AesVault, tmp_path: Path) -> None:
    kept = sealed(vault)
    later = again(tmp_path)

    with pytest.raises(VaultLockedError):
        later.decrypt(kept, ROW)
    verdict = later.unlock("wang", PIN, at(0))

    assert (verdict.outcome, later.decrypt(kept, ROW)) == (PinOutcome.OPENED, PLAIN)


def test_a_locked_vault_keeps_what_arrives_and_shows_it_after_the_pin(vault: AesVault) -> None:
    vault.lock()
    kept = sealed(vault)

    with pytest.raises(VaultLockedError):
        vault.decrypt(kept, ROW)
    vault.unlock("wang", PIN, at(0))

    assert vault.decrypt(kept, ROW) == PLAIN


@pytest.mark.parametrize("is_locked", [False, True])
@pytest.mark.parametrize(
    "elsewhere",
    [
        Bound(entity="order_person", entity_id="o-2", column="document"),
        Bound(entity="order", entity_id="o-1", column="document"),
        Bound(entity="order_person", entity_id="o-1", column="note"),
    ],
)
def test_a_row_that_was_moved_does_not_open(
    vault: AesVault, elsewhere: Bound, *, is_locked: bool
) -> None:
    if is_locked:
        vault.lock()
    kept = sealed(vault)
    vault.unlock("wang", PIN, at(0))

    with pytest.raises(VaultTamperedError, match="sync again"):
        vault.decrypt(kept, elsewhere)


@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_changed_bit_never_opens(opened: AesVault, place: int, bit: int) -> None:
    kept = bytearray(sealed(opened))
    kept[place % len(kept)] ^= 1 << bit

    with pytest.raises(VaultTamperedError):
        opened.decrypt(bytes(kept), ROW)


@given(plain=st.binary(max_size=200), name=st.text(max_size=20))
def test_every_content_comes_back_and_no_two_boxes_are_alike(
    opened: AesVault, plain: bytes, name: str
) -> None:
    bound = Bound(entity="order_person", entity_id=name, column="document")
    first, second = opened.encrypt(plain, bound), opened.encrypt(plain, bound)

    assert first is not None
    assert second is not None
    assert first[1:13] != second[1:13]
    assert opened.decrypt(first, bound) == opened.decrypt(second, bound) == plain


def test_no_word_and_no_key_stands_in_the_file(vault: AesVault, tmp_path: Path) -> None:
    sealed(vault)
    content = (tmp_path / VAULT_FILE).read_bytes()

    assert PIN.encode() not in content
    assert bytes(vault._key) not in content
    assert (tmp_path / VAULT_FILE).stat().st_mode & 0o077 == 0


def test_two_people_open_one_key_with_their_own_pins(vault: AesVault, tmp_path: Path) -> None:
    kept = sealed(vault)
    vault.set_pin("li", OTHER_PIN)
    later = again(tmp_path)

    wrong = later.unlock("li", PIN, at(0)).outcome
    right = later.unlock("li", OTHER_PIN, at(1)).outcome

    assert (wrong, right) == (PinOutcome.WRONG, PinOutcome.OPENED)
    assert later.decrypt(kept, ROW) == PLAIN
    assert later.people() == {"wang", "li"}


def test_a_second_pin_needs_the_vault_open(vault: AesVault) -> None:
    vault.lock()

    with pytest.raises(VaultLockedError, match="somebody with a PIN must open the tablet"):
        vault.set_pin("li", OTHER_PIN)


def test_wrong_pins_wait_longer_and_longer_and_then_the_key_is_gone(
    vault: AesVault, tmp_path: Path
) -> None:
    kept = sealed(vault)
    now_ms = 0
    waited: list[int] = []
    outcomes: list[PinOutcome] = []
    while not outcomes or outcomes[-1] is not PinOutcome.WIPED:
        verdict = again(tmp_path).unlock("wang", "000001", at(now_ms))
        outcomes.append(verdict.outcome)
        if verdict.wait_ms:
            early = again(tmp_path).unlock("wang", PIN, at(now_ms + verdict.wait_ms - 1))
            assert early.outcome is PinOutcome.WAIT
            waited.append(verdict.wait_ms)
        now_ms += verdict.wait_ms

    later = again(tmp_path)
    assert outcomes == [*[PinOutcome.WRONG] * (MOST_WRONG - 1), PinOutcome.WIPED]
    assert waited == [30_000, 60_000, 300_000, 900_000, 3_600_000]
    assert not later.has_key()
    assert later.wiped_people() == {"wang"}
    assert later.unlock("wang", PIN, at(now_ms)).outcome is PinOutcome.WIPED
    assert b'wrapped":""' in (tmp_path / VAULT_FILE).read_bytes()
    with pytest.raises(VaultLockedError):
        later.decrypt(kept, ROW)


def test_after_the_last_key_went_only_a_new_enrolment_lets_a_pin_be_set(
    vault: AesVault, tmp_path: Path
) -> None:
    del vault
    moments = Moments()
    for _ in range(MOST_WRONG):
        again(tmp_path).unlock("wang", "000001", moments.next())

    later = again(tmp_path)
    with pytest.raises(VaultLockedError, match="the office must give a new one-time code"):
        later.set_pin("wang", OTHER_PIN)
    later.admit()
    later.set_pin("wang", OTHER_PIN)

    assert later.is_open()


def test_a_colleague_keeps_the_key_when_one_pin_is_wiped(vault: AesVault, tmp_path: Path) -> None:
    kept = sealed(vault)
    vault.set_pin("li", OTHER_PIN)
    moments = Moments()
    for _ in range(MOST_WRONG):
        again(tmp_path).unlock("wang", "000001", moments.next())

    later = again(tmp_path)
    assert later.people() == {"li"}
    assert later.wiped_people() == {"wang"}
    assert later.unlock("li", OTHER_PIN, at(0)).outcome is PinOutcome.OPENED
    assert later.decrypt(kept, ROW) == PLAIN
    later.set_pin("wang", "551827")
    assert later.people() == {"li", "wang"}


def test_a_try_is_counted_before_it_is_looked_at(vault: AesVault, tmp_path: Path) -> None:
    counted: list[int] = []

    class Killed(AesVault):
        @override
        def _try(self, account_id: str, slot: Slot, pin: str, now: DeviceTime) -> PinVerdict:
            counted.append(again(tmp_path)._content.slots[account_id].attempts.wrong)
            raise KeyboardInterrupt

    del vault
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            Killed(tmp_path, cost=QUICK).unlock("wang", PIN, at(0))

    assert counted == [1, 2, 3]


def test_forgetting_overwrites_the_file_and_no_pin_helps(vault: AesVault, tmp_path: Path) -> None:
    kept = sealed(vault)
    vault.forget()

    assert not (tmp_path / VAULT_FILE).exists()
    assert vault.unlock("wang", PIN, at(0)).outcome is PinOutcome.UNKNOWN
    with pytest.raises(VaultLockedError):
        vault.decrypt(kept, ROW)


def test_a_vault_file_that_cannot_be_read_is_no_key(vault: AesVault, tmp_path: Path) -> None:
    del vault
    (tmp_path / VAULT_FILE).write_bytes(b"\0" * 40)

    assert not again(tmp_path).has_key()


def test_only_the_server_opens_what_was_sealed_to_it(opened: AesVault) -> None:
    server = X25519PrivateKey.generate()
    public = server.public_key().public_bytes_raw()

    envelope = opened.seal(public, SealedKind.OPERATION, "op-1", PLAIN)

    assert envelope is not None
    shared = server.exchange(X25519PublicKey.from_public_bytes(envelope.ephemeral))
    salt = envelope.ephemeral + public
    key = HKDF(algorithm=SHA256(), length=32, salt=salt, info=KEY_INFO).derive(shared)
    bound = bound_bytes(SealedKind.OPERATION, "op-1")
    assert AESGCM(key).decrypt(envelope.nonce, envelope.box, bound) == PLAIN
    with pytest.raises(InvalidTag):
        AESGCM(key).decrypt(envelope.nonce, envelope.box, bound_bytes(SealedKind.DRAFT, "op-1"))


def test_a_key_that_is_no_key_seals_nothing_and_breaks_nothing(opened: AesVault) -> None:
    assert opened.seal(bytes(32), SealedKind.DRAFT, "o-1", PLAIN) is None


def test_the_cost_of_a_try_is_the_documented_one() -> None:
    assert (COST.n, COST.r, COST.p) == (2**15, 8, 3)


def test_without_a_vault_nothing_is_kept_and_it_says_so(tmp_path: Path) -> None:
    vault = NoVault()

    assert vault.encrypt(PLAIN, ROW) is None
    assert "no personal data" in vault.availability().reason
    assert vault.seal(bytes(32), SealedKind.DRAFT, "o-1", PLAIN) is None
    with pytest.raises(VaultLockedError):
        vault.set_pin("wang", PIN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "pin", ["", "12345", "1234567890123", "111111", "123456", "987654", "12a456"]
)
def test_a_pin_that_everybody_guesses_is_refused(pin: str, tmp_path: Path) -> None:
    assert not is_good_pin(pin)
    with pytest.raises(ValueError, match="6 to 12 digits"):
        AesVault(tmp_path, cost=QUICK).set_pin("wang", pin)


def test_a_restart_begins_the_wait_anew_and_the_wall_clock_shortens_nothing() -> None:
    attempts = NO_ATTEMPTS
    for _ in range(5):
        attempts = note_attempt(attempts, at(100_000))

    assert wait_ms(attempts, at(110_000)) == 20_000
    assert wait_ms(attempts, at(110_000, wall_ms=10**12)) == 20_000
    assert wait_ms(attempts, at(0, boot="second")) == 30_000
    assert wait_ms(attempts, at(30_000, boot="second")) == 0
