"""What the watch over who works alone is told; how it and a call for help read."""

from typing import Final

from field_app.orders.lone_watch import HelpCalled, Watch, WatchState
from field_app.presenters.ports import Words
from field_app.tablet import Tablet
from wire_contracts.site_facts import LoneWorkerEvent, WatchEvent

_SECOND_MS: Final = 1000


def answer_watch(tablet: Tablet, now_ms: int) -> None:
    """Keep that the person is all right; the watch goes on for as long as before."""
    watch = tablet.calls.watch()
    if watch.state is WatchState.OFF:
        return
    event = LoneWorkerEvent(
        event=WatchEvent.CONFIRMED,
        person=watch.person,
        due_ms=now_ms + watch.interval_ms,
        place=watch.place,
    )
    tablet.calls.tell_watch(event)


def late_text(t: Words, watch: Watch) -> str:
    """Return who knows that nobody answered: until the server has it, nobody."""
    if watch.is_told:
        return t("Answer now: the control room knows that nobody answers.")
    if watch.is_refused:
        return t("Answer now. Not received: the control room does not know. Call by telephone.")
    return t("Answer now. Not sent yet: the control room does not know.")


def unheard_text(t: Words, called: HelpCalled) -> str:
    """Return what to do about a call for help that nobody has heard; empty when there is none."""
    if called is HelpCalled.REFUSED:
        return t("Not received: the server refused it, nobody knows. Call by telephone now.")
    if called is HelpCalled.NOT_SENT:
        return t("Not sent yet: nobody knows. Call by telephone, or go where there is a network.")
    return ""


def is_for_another(tablet: Tablet, watch: Watch) -> bool:
    """Return whether somebody else than the person at work is watched over."""
    return watch.person not in {"", name_at_work(tablet)}


def clock_text(left_ms: int) -> str:
    """Return minutes and seconds that are left; a minus says how long ago it was."""
    sign = "" if left_ms >= 0 else "-"
    minutes, seconds = divmod(abs(left_ms) // _SECOND_MS, 60)
    return f"{sign}{minutes}:{seconds:02d}"


def name_at_work(tablet: Tablet) -> str:
    """Return who works on the tablet now, empty when nobody is named."""
    identity = tablet.identity
    person = None if identity is None else identity.person()
    return "" if person is None else person.name


def name_of(tablet: Tablet, account_id: str) -> str:
    """Return the name of a person of this tablet; one of another crew stays as it is."""
    people = {each.account_id: each.name for each in tablet.people()}
    return people.get(account_id, account_id)
