"""LogInPresenter: the PIN page, who works now, and the lock."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from field_app.platform.pin_rules import LONGEST_PIN, SHORTEST_PIN, is_good_pin
from field_app.platform.ports import PinOutcome, PinVerdict, VaultLockedError
from field_app.presenters.ports import PresenterContext
from field_app.presenters.stage import Stage
from field_app.presenters.views import LogInView, PersonView, PinStep
from field_app.presenters.wording import no_room_text, pin_text
from field_app.tablet import Tablet
from wire_contracts.enrolment import TabletPerson


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    """Who may work, and how the tablet stands."""

    people: tuple[TabletPerson, ...]
    is_locked: bool
    has_vault: bool
    with_pin: frozenset[str]


class LogInPresenter:
    """The log-in of this tablet. What is typed stays here and is forgotten after every answer."""

    def __init__(self, tablet: Tablet, context: PresenterContext) -> None:
        """Show the log-in of `tablet`."""
        self._tablet = tablet
        self._context = context
        self._typed = ""
        self._first = ""
        self._account = ""
        self._changed: Callable[[], None] = _nothing
        self._access = _Access(
            people=(), is_locked=tablet.log_in.is_locked(), has_vault=False, with_pin=frozenset()
        )
        step = PinStep.WHO if self._access.is_locked else PinStep.OFF
        self._stage = Stage(context.worker, self._view(step, ""))

    @property
    def view(self) -> LogInView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[LogInView], None], changed: Callable[[], None]) -> None:
        """Show every view with `show`; `changed` is called when another person works."""
        self._changed = changed
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show nothing any more."""
        self._stage.detach()

    def refresh(self) -> None:
        """Read again who may work on this tablet and whether it is locked."""
        self._stage.read(self._look, self._looked)

    def choose(self, account_id: str) -> None:
        """Take who wants to work: at once without a PIN, else their PIN is asked."""
        self._stage.act(
            lambda: self._tablet.choose_person(account_id),
            self._after(account_id),
            lambda: self._say_no_room(self.view.step),
        )

    def type_digit(self, digit: str) -> None:
        """Take one digit."""
        if len(self._typed) < LONGEST_PIN and digit.isdecimal() and not self.view.is_busy:
            self._typed += digit
            self._draw(self.view.step, "")

    def rub_out(self) -> None:
        """Take the last digit back."""
        self._typed = self._typed[:-1]
        self._draw(self.view.step, "")

    def confirm(self) -> None:
        """Use what was typed."""
        pin, self._typed = self._typed, ""
        if self.view.is_busy or len(pin) < SHORTEST_PIN:
            return
        if self.view.step is PinStep.ENTER:
            account = self._account
            self._stage.draw(replace(self._view(PinStep.ENTER, ""), is_busy=True))
            self._stage.act(
                lambda: self._tablet.unlock(account, pin),
                self._answered,
                lambda: self._say_no_room(PinStep.ENTER),
                lambda: self._draw(PinStep.ENTER, ""),
            )
        elif self.view.step is PinStep.CHOOSE:
            self._choose_pin(pin)
        elif self.view.step is PinStep.REPEAT:
            self._repeat_pin(pin)

    def begin_set_pin(self) -> None:
        """Ask the person at work for a PIN of their own."""
        self._typed = self._first = ""
        self._draw(PinStep.CHOOSE, "")

    def cancel(self) -> None:
        """Go back to the person at work, or to the choice of people while the tablet is locked."""
        self._typed = self._first = ""
        self._draw(PinStep.WHO if self._access.is_locked else PinStep.OFF, "")

    def lock(self) -> None:
        """Lock the tablet."""
        self._tablet.lock()
        self.refresh()

    def touch(self) -> None:
        """Note that somebody is at the tablet; the touch that wakes it opens nothing."""
        if not self.lock_if_idle():
            self._tablet.log_in.touch()

    def lock_if_idle(self) -> bool:
        """Lock when nobody has been at the tablet for a while; return whether it did so now."""
        is_locked_now = self._tablet.log_in.lock_if_idle()
        if is_locked_now:
            self.refresh()
        return is_locked_now

    def tick(self) -> None:
        """Lock when nobody has been at the tablet for a while; drop what the lease has ended."""
        self.lock_if_idle()
        self._stage.act(self._tablet.personal.check_lease, lambda _has_dropped: None)

    def _look(self) -> _Access:
        vault = self._tablet.vault
        return _Access(
            people=self._tablet.people(),
            is_locked=self._tablet.log_in.is_locked(),
            has_vault=vault.availability().is_available,
            with_pin=vault.people(),
        )

    def _looked(self, access: _Access) -> None:
        self._access = access
        step = self.view.step
        if access.is_locked and step not in {PinStep.WHO, PinStep.ENTER}:
            self._typed = self._first = ""
            step = PinStep.WHO
        elif not access.is_locked and step is PinStep.WHO:
            step = PinStep.OFF
        self._draw(step, self.view.message)

    def _after(self, account_id: str) -> Callable[[bool], None]:
        def done(is_at_work: bool) -> None:  # noqa: FBT001  # the worker passes it so
            if is_at_work:
                self._came_in()
                return
            self._account, self._typed = account_id, ""
            if account_id in self._access.with_pin:
                self._draw(PinStep.ENTER, "")
            else:
                self._draw(PinStep.WHO, self._no_pin_text(account_id))

        return done

    def _no_pin_text(self, account_id: str) -> str:
        """Return how somebody without a PIN comes in where others have one."""
        t = self._context.words
        name = next((p.name for p in self._access.people if p.account_id == account_id), "")
        text = t(
            "{name} has set no PIN. Somebody with a PIN opens the tablet first and then chooses"
            " {name} under “Me”."
        )
        return text.format(name=name)

    def _answered(self, verdict: PinVerdict) -> None:
        if verdict.outcome is PinOutcome.OPENED:
            self._came_in()
            return
        self._draw(PinStep.ENTER, pin_text(self._context.words, verdict))

    def _came_in(self) -> None:
        self._typed = self._first = ""
        self._access = replace(self._access, is_locked=self._tablet.log_in.is_locked())
        self._draw(PinStep.WHO if self._access.is_locked else PinStep.OFF, "")
        self.refresh()
        self._changed()

    def _choose_pin(self, pin: str) -> None:
        t = self._context.words
        if not is_good_pin(pin):
            self._draw(
                PinStep.CHOOSE, t("Too easy: not all digits alike and not counted up or down.")
            )
            return
        self._first = pin
        self._draw(PinStep.REPEAT, "")

    def _repeat_pin(self, pin: str) -> None:
        first, self._first = self._first, ""
        if pin != first:
            t = self._context.words
            self._draw(PinStep.CHOOSE, t("The two are not alike; choose again."))
            return
        self._stage.draw(replace(self._view(PinStep.REPEAT, ""), is_busy=True))
        self._stage.act(
            lambda: self._set(pin),
            self._was_set,
            lambda: self._say_no_room(PinStep.CHOOSE),
            lambda: self._draw(PinStep.CHOOSE, ""),
        )

    def _set(self, pin: str) -> bool:
        try:
            self._tablet.set_pin(pin)
        except VaultLockedError:
            return False
        return True

    def _was_set(self, is_set: bool) -> None:  # noqa: FBT001  # the worker passes it so
        if is_set:
            self._came_in()
            return
        t = self._context.words
        self._draw(PinStep.CHOOSE, t("Somebody with a PIN must open the tablet first."))

    def _say_no_room(self, step: PinStep) -> None:
        self._draw(step, no_room_text(self._context.words))

    def _draw(self, step: PinStep, message: str) -> None:
        self._stage.draw(self._view(step, message))

    def _view(self, step: PinStep, message: str) -> LogInView:
        access, t = self._access, self._context.words
        actor = self._tablet.stamps.actor()
        chosen = self._account if step is PinStep.ENTER else actor
        has_pin = actor in access.with_pin
        offer = t("A PIN keeps names, phone numbers and photos safe. Without one none are kept.")
        return LogInView(
            step=step,
            title=self._title(step),
            people=tuple(
                PersonView(
                    account_id=person.account_id,
                    name=person.name,
                    is_selected=person.account_id == chosen and step is not PinStep.WHO,
                )
                for person in access.people
            ),
            digits_count=len(self._typed),
            message=message,
            is_busy=False,
            can_cancel=step is not PinStep.WHO,
            can_confirm=len(self._typed) >= SHORTEST_PIN,
            can_set_pin=access.has_vault,
            has_pin=has_pin,
            offer_text=offer if access.has_vault and not access.with_pin else "",
        )

    def _title(self, step: PinStep) -> str:
        t = self._context.words
        name = next((p.name for p in self._access.people if p.account_id == self._account), "")
        return {
            PinStep.OFF: "",
            PinStep.WHO: t("Who is working?"),
            PinStep.ENTER: t("PIN of {name}").format(name=name),
            PinStep.CHOOSE: t("Choose a PIN of 6 to 12 digits"),
            PinStep.REPEAT: t("The same PIN again"),
        }[step]


def _nothing() -> None:
    return
