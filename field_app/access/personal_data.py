"""Keeps who is to be met at an order: as ciphertext, while the lease lasts, or not at all (R4)."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from field_app.platform.ports import Bound, Vault, VaultLockedError, VaultTamperedError
from field_app.store import lease_store, personal_rows, settings_store
from field_app.store.database_io import Database
from field_app.store.personal_rows import CIPHERTEXT, COLUMN, NOT_KEPT
from field_app.store.settings_store import Key
from field_app.sync import epochs, sync_store
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.operations import DeviceTime
from wire_contracts.order_person import ENTITY, OrderPerson, parse_order_person
from wire_contracts.payloads import dump_json


class Gap(StrEnum):
    """Why nobody is shown for an order."""

    NONE = "none"
    NOBODY = "nobody"
    NO_VAULT = "no_vault"
    NO_PIN = "no_pin"
    LOCKED = "locked"
    LEASE_ENDED = "lease_ended"
    UNREADABLE = "unreadable"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPerson:
    """The person of an order as far as this tablet may show them; `gap` says why not."""

    person: OrderPerson | None
    gap: Gap


class PersonalData:
    """The personal rows of one tablet."""

    def __init__(self, database: Database, vault: Vault, now: Callable[[], DeviceTime]) -> None:
        """Keep rows of `database` through `vault`; `now` tells the time by every clock."""
        self._database = database
        self._vault = vault
        self._now = now

    def keep(self, entity: str, entity_id: str, document: JsonObject) -> JsonObject:
        """Return the document of a personal row as it may be kept."""
        bound = Bound(entity=entity, entity_id=entity_id, column=COLUMN)
        kept = self._vault.encrypt(dump_json(document), bound)
        return NOT_KEPT if kept is None else {CIPHERTEXT: base64.b64encode(kept).decode()}

    def person_of(self, order_id: str) -> SeenPerson:
        """Return who is to be met at an order, or why nobody is shown."""
        now = self._now()

        def work(connection: Connection) -> tuple[str | None, bool]:
            ciphertext = personal_rows.load_ciphertext(connection, ENTITY, order_id)
            allowed = _allowed(connection, now)
            return ciphertext, allowed is None or order_id in allowed

        ciphertext, is_allowed = self._database.read(work)
        gap = self._gap(ciphertext, is_allowed=is_allowed)
        if gap is not Gap.NONE or not ciphertext:
            return SeenPerson(person=None, gap=gap)
        try:
            return SeenPerson(person=self._open(order_id, ciphertext), gap=Gap.NONE)
        except VaultLockedError:
            return SeenPerson(person=None, gap=Gap.LOCKED)
        except (VaultTamperedError, ContractError, ValueError):
            return SeenPerson(person=None, gap=Gap.UNREADABLE)

    def check_lease(self) -> bool:
        """Drop what may not be here any longer; return whether something was dropped.

        When the lease has ended that is all that was received (R4), after 48 hours without contact
        all but whom a begun visit needs (R19). Call it often: at the start, with every sync, while
        the tablet idles.
        """
        now = self._now()

        def look(connection: Connection) -> tuple[bool, bool]:
            allowed = _allowed(connection, now)
            is_over = allowed is not None and personal_rows.has_kept(connection, allowed)
            return lease_store.needs_tick(connection, now), is_over

        needs_tick, is_over = self._database.read(look)
        if not needs_tick and not is_over:
            return False

        def work(connection: Connection) -> int:
            lease_store.tick(connection, now)
            allowed = _allowed(connection, now)
            dropped = 0 if allowed is None else personal_rows.drop_personal(connection, allowed)
            if dropped:
                settings_store.save(connection, Key.PERSONAL_WANTED, 1)
            return dropped

        has_dropped = self._database.write(work) > 0
        if has_dropped:
            self._database.tidy(patiently=True)
        return has_dropped

    def want_again(self) -> None:
        """Ask for the personal rows again with the next contact: now they may be kept."""
        self._database.write(
            lambda connection: settings_store.save(connection, Key.PERSONAL_WANTED, 1)
        )
        self.fetch_wanted()

    def fetch_wanted(self) -> bool:
        """Begin a fresh pull when dropped rows may be kept again; return whether one was begun."""
        if not self._vault.has_key():
            return False
        now = self._now()

        def work(connection: Connection) -> bool:
            if not lease_store.is_leased(connection, now):
                return False
            settings_store.save(connection, Key.PERSONAL_WANTED, None)
            if not personal_rows.has_any(connection):
                return False
            epochs.start_afresh(connection)
            sync_store.try_at_once(connection)
            return True

        is_wanted = self._database.read(
            lambda connection: settings_store.load_text(connection, Key.PERSONAL_WANTED)
        )
        return is_wanted is not None and self._database.write(work)

    def _gap(self, ciphertext: str | None, *, is_allowed: bool) -> Gap:
        if ciphertext is None:
            return Gap.NOBODY
        if not self._vault.availability().is_available:
            return Gap.NO_VAULT
        if not is_allowed:
            return Gap.LEASE_ENDED
        if not self._vault.has_key():
            return Gap.NO_PIN
        if not ciphertext:
            return Gap.NOT_YET
        return Gap.NONE if self._vault.is_open() else Gap.LOCKED

    def _open(self, order_id: str, ciphertext: str) -> OrderPerson:
        bound = Bound(entity=ENTITY, entity_id=order_id, column=COLUMN)
        plain = self._vault.decrypt(base64.b64decode(ciphertext), bound)
        reader = FieldReader(place=f"person of order {order_id}", values=json.loads(plain))
        return parse_order_person(reader)


def _allowed(connection: Connection, now: DeviceTime) -> frozenset[str] | None:
    """Return the orders whose person may be on this tablet now, None for all of them."""
    if not lease_store.is_leased(connection, now):
        return frozenset()
    if lease_store.is_in_window(connection, now):
        return None
    return personal_rows.orders_in_use(connection)
