"""Decides what is worth a call, when it is due, and who is next on the ladder.

The ladder: whoever holds the shift, then the safety officers, then the director, again and again
until somebody looks. Waiting times are policies; what was looked at is never paged again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync_server.access.roles import Role
from wire_contracts.texts import BilingualText


class Concern(StrEnum):
    """What somebody must look at."""

    SAFETY_ALERT = "safety_alert"
    """A gas safety alert that nobody acknowledged."""
    DANGER_SLIP = "danger_slip"
    """A request of safety class A that no crew accepted within its clock."""
    ORDER_SLIP = "order_slip"
    """An order of safety class A that no crew accepted before its due time."""
    CREW_DANGER = "crew_danger"
    """Somebody of a crew calls for help or does not answer."""
    DETECTION = "detection"
    """The detectors have not looked at the meters for too long: no new leak is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """One thing that nobody looked at yet; `since_utc` is when it came, or its clock was over."""

    concern: Concern
    subject: str
    name: str
    since_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPage:
    """The newest page about a thing."""

    step: int
    at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PagingTerms:
    """The policies `paging.wait.seconds` and `paging.repeat.seconds`."""

    wait: timedelta
    repeat: timedelta


LADDER: Sequence[tuple[Role, ...]] = (
    (Role.CONTROL_ROOM, Role.DISPATCHER),
    (Role.SAFETY_OFFICER,),
    (Role.DIRECTOR,),
)
"""Roles by step; the first step goes to the holder of the shift alone, when one is known."""


_CALLED_ONCE = frozenset({Concern.DETECTION})
"""Concerns that nobody can acknowledge: each step of the ladder is called once, and no more."""


def next_step(
    unheard: Unheard, last: LastPage | None, terms: PagingTerms
) -> tuple[int, datetime] | None:
    """Return the step that is next and from when on it is due; None: everybody was called."""
    if last is None:
        is_urgent = unheard.concern is Concern.CREW_DANGER
        return 0, unheard.since_utc if is_urgent else unheard.since_utc + terms.wait
    if unheard.concern in _CALLED_ONCE and last.step + 1 >= len(LADDER):
        return None
    return last.step + 1, last.at_utc + terms.repeat


def is_ahead(unheard: Unheard, last: LastPage | None, now_utc: datetime) -> bool:
    """Return whether the last moment is still to come: the server's clock was put back since.

    Nobody waits until it is there again.
    """
    return (unheard.since_utc if last is None else last.at_utc) > now_utc


def roles_at(step: int) -> tuple[Role, ...]:
    """Return whom a step calls; behind the last step the last one is called again."""
    return LADDER[min(step, len(LADDER) - 1)]


def page_text(unheard: Unheard, now_utc: datetime) -> BilingualText:
    """Return what the call says: what, which, for how long. No person is named."""
    minutes = max(0, int((now_utc - unheard.since_utc).total_seconds() // 60))
    if unheard.concern is Concern.SAFETY_ALERT:
        return BilingualText(
            en=f"Gas safety alert {unheard.name}: nobody acknowledged it for {minutes} min",
            zh=f"燃气安全告警 {unheard.name}：{minutes} 分钟无人确认",
        )
    if unheard.concern is Concern.ORDER_SLIP:
        return BilingualText(
            en=f"Class A order {unheard.name}: no crew accepted, {minutes} min over the limit",
            zh=f"A 级工单 {unheard.name}：无班组接单，超时 {minutes} 分钟",
        )
    if unheard.concern is Concern.CREW_DANGER:
        return BilingualText(
            en=f"A crew calls for help or does not answer: {unheard.name}, for {minutes} min",
            zh=f"班组呼救或无人应答：{unheard.name}，已 {minutes} 分钟",
        )
    if unheard.concern is Concern.DETECTION:
        return BilingualText(
            en=f"Detection stands still: no good look at the meters for {unheard.name}. "
            "New leaks are not found; see the server's log",
            zh=f"检测已停止：{unheard.name}没有成功检测表计，发现不了新的泄漏；请查看服务器日志",
        )
    return BilingualText(
        en=f"Class A request {unheard.name}: no crew accepted, {minutes} min over the limit",
        zh=f"A 级请求 {unheard.name}：无班组接单，超时 {minutes} 分钟",
    )
