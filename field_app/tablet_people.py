"""TabletPeople: who may work on a tablet, who works now, and what opens it."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from field_app.access.log_in import LogIn
from field_app.access.personal_data import PersonalData
from field_app.access.small_files_io import told_when_full
from field_app.access.withdrawal import leave_sealed_photos
from field_app.photos.photo_files_io import PhotoFiles
from field_app.platform.ports import PinOutcome, PinVerdict, Vault
from field_app.store import base_store, lease_store, personal_rows
from field_app.store.database_io import Database, StoreFullError
from field_app.store.identity_io import Identity, people_from_documents, save_identity
from wire_contracts.enrolment import TabletPerson

_PERSON: Final = "person"


class TabletPeople:
    """The people of one tablet and their PINs."""

    database: Database
    identity: Identity | None
    vault: Vault
    log_in: LogIn
    personal: PersonalData
    _folder: Path
    _photo_files: PhotoFiles

    def people(self) -> tuple[TabletPerson, ...]:
        """Return who may work on this tablet: as pulled, else as enrolled."""
        documents = self.database.read(
            lambda connection: base_store.load_documents(connection, _PERSON)
        )
        enrolled = () if self.identity is None else self.identity.people
        return people_from_documents(documents) or enrolled

    def choose_person(self, account_id: str) -> bool:
        """Let another person of the crew work from now on; earlier taps keep their actor.

        Returns:
            False when that person has a PIN, or the tablet is locked: `unlock` is the way then.

        Raises:
            StoreFullError: The disk is full; who worked before is still at work.
        """
        if self.identity is None or not self.log_in.switch(account_id):
            return False
        self._set_actor(account_id)
        return True

    def unlock(self, account_id: str, pin: str) -> PinVerdict:
        """Let a person with a PIN work from now on; takes a good part of a second.

        Raises:
            StoreFullError: The disk is full: a try that cannot be counted is none.
        """
        with told_when_full():
            verdict = self.log_in.unlock(account_id, pin)
        if verdict.outcome is PinOutcome.OPENED:
            try:
                self._set_actor(account_id)
            except StoreFullError:
                self.log_in.lock()  # nobody works under the name of whoever was before
                raise
        if verdict.outcome is PinOutcome.WIPED and not self.vault.has_key():
            leave_sealed_photos(self.database, self._photo_files)
            self.database.write(personal_rows.drop_personal)
            self.database.tidy(patiently=True)
        return verdict

    def set_pin(self, pin: str) -> None:
        """Give the person at work a PIN; with the first one personal data begins to be kept.

        Raises:
            VaultLockedError: Somebody with a PIN must open the tablet first.
            ValueError: The PIN is too easy.
            StoreFullError: The disk is full; the PIN is what it was before.
        """
        with told_when_full():
            is_first = self.log_in.set_pin(self._actor(), pin)
        if is_first:
            self.personal.want_again()

    def lock(self) -> None:
        """Lock the tablet, where anybody has a PIN; the sync goes on."""
        self.log_in.lock()

    def must_enrol(self) -> bool:
        """Return whether a one-time code of the office must be given before anybody works on.

        True before the first enrolment, after a withdrawal, when the last key was wiped by wrong
        PINs, and when nobody who may work here can open it. What was entered is kept and sent all
        the same.
        """
        has_lost_keys = bool(self.vault.wiped_people()) and not self.vault.has_key()
        return (
            self.identity is None
            or has_lost_keys
            or self.database.read(lease_store.is_withdrawn)
            or self._is_shut()
        )

    def _is_shut(self) -> bool:
        """Return whether the tablet is locked and none of its people has a PIN."""
        ids = {person.account_id for person in self.people()}
        return bool(ids) and self.log_in.is_locked() and self.vault.people().isdisjoint(ids)

    def _forget_pins(self) -> None:
        """Let the crew begin without a PIN; what a PIN protects is left to the server alone."""
        if self.vault.has_key() and leave_sealed_photos(self.database, self._photo_files):
            self.vault.forget()

    def _actor(self) -> str:
        return "nobody" if self.identity is None else self.identity.actor

    def _set_actor(self, account_id: str) -> None:
        if self.identity is not None:
            chosen = replace(self.identity, actor=account_id, people=self.people())
            if chosen == self.identity:
                return
            with told_when_full():
                save_identity(self._folder, chosen)
            self.identity = chosen
