"""Decides who works on the tablet now, under which log-in, and when it locks itself."""

import threading
from collections.abc import Callable
from typing import Final

from field_app.clock_io import elapsed_s
from field_app.platform.ports import PinOutcome, PinVerdict, Vault, VaultLockedError
from field_app.store.ids_io import draw_session
from wire_contracts.operations import DeviceTime

LOCK_AFTER_S: Final = 600.0
"""Wall seconds without a touch. Judgement: long enough for two gloved hands at a valve."""


class LogIn:
    """The log-in of one tablet; every log-in has its own name, stamped on each operation (T12)."""

    def __init__(
        self,
        vault: Vault,
        now: Callable[[], DeviceTime],
        elapsed_s: Callable[[], float] = elapsed_s,
    ) -> None:
        """Begin locked when anybody here has a PIN.

        `elapsed_s` tells wall seconds, those of sleep among them: a tablet that is woken locks.
        """
        self._elapsed_s = elapsed_s
        self._vault = vault
        self._now = now
        self._lock = threading.Lock()
        self._session = draw_session(has_pin=False)
        self._touched_s = elapsed_s()

    @property
    def session(self) -> str:
        """Return the name of the log-in that taps are made under."""
        return self._session

    def is_locked(self) -> bool:
        """Return whether a PIN must be given before anybody works on."""
        has_pins = bool(self._vault.people() or self._vault.wiped_people())
        return has_pins and not self._vault.is_open()

    def unlock(self, account_id: str, pin: str) -> PinVerdict:
        """Open the tablet with a person's PIN; from then on a new log-in."""
        with self._lock:
            verdict = self._vault.unlock(account_id, pin, self._now())
            if verdict.outcome is PinOutcome.OPENED:
                self._session = draw_session(has_pin=True)
                self._touched_s = self._elapsed_s()
            return verdict

    def switch(self, account_id: str) -> bool:
        """Begin a log-in of somebody without a PIN; return False when a PIN must be given."""
        if self.is_locked() or account_id in self._vault.people() | self._vault.wiped_people():
            return False
        self._session = draw_session(has_pin=False)
        return True

    def set_pin(self, account_id: str, pin: str) -> bool:
        """Give the person at work a PIN; return whether it is the first one of this tablet.

        Raises:
            VaultLockedError: Somebody with a PIN must open the tablet first.
            ValueError: The PIN is too easy.
        """
        with self._lock:
            if account_id in self._vault.wiped_people() and not self._vault.is_open():
                message = "this PIN was wrong too often; a colleague must open the tablet first"
                raise VaultLockedError(message)
            is_first = not self._vault.has_key()
            self._vault.set_pin(account_id, pin)
            self._session = draw_session(has_pin=True)
            self._touched_s = self._elapsed_s()
            return is_first

    def begin_anew(self) -> None:
        """Begin a log-in of nobody with a PIN: the tablet was given to another crew."""
        self._session = draw_session(has_pin=False)

    def touch(self) -> None:
        """Note that somebody has touched the screen."""
        self._touched_s = self._elapsed_s()

    def lock(self) -> None:
        """Lock now, where there is a PIN; personal data cannot be read any more."""
        self._vault.lock()

    def lock_if_idle(self) -> bool:
        """Lock when nobody has touched the screen for a while; return whether it did so now."""
        idle_s = self._elapsed_s() - self._touched_s
        if not self._vault.is_open() or idle_s < LOCK_AFTER_S:
            return False
        self.lock()
        return True
