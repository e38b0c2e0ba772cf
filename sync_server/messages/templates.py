"""Decides what a message says in the customer's language, and whether it needs consent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from wire_contracts.texts import BilingualText


class Template(StrEnum):
    """Which message."""

    INTERRUPTION = "interruption"
    INTERRUPTION_CANCELLED = "interruption_cancelled"
    REPLY = "reply"


class MessageState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    NO_NUMBER = "no_number"
    NO_CONSENT = "no_consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRule:
    """The text with its places, and whether the customer must have agreed to such messages."""

    text: BilingualText
    needs_consent: bool


RULES: Mapping[Template, TemplateRule] = {
    Template.INTERRUPTION: TemplateRule(
        text=BilingualText(
            en="{site}: no {medium_en} from {from_at} to {to_at}: {reason}. "
            "Please close taps and valves.",
            zh="【{site}】{from_at} 至 {to_at} 计划停{medium_zh}，原因：{reason}。"
            "请关好阀门和龙头。",
        ),
        needs_consent=False,
    ),
    Template.INTERRUPTION_CANCELLED: TemplateRule(
        text=BilingualText(
            en="{site}: the interruption of {medium_en} from {from_at} does not take place.",
            zh="【{site}】原定 {from_at} 的停{medium_zh}计划取消。",
        ),
        needs_consent=False,
    ),
    Template.REPLY: TemplateRule(
        text=BilingualText(
            en="{site}: your request {number} was answered. Questions: call our hotline.",
            zh="【{site}】您的请求 {number} 已有答复，如有疑问请致电服务热线。",
        ),
        needs_consent=True,
    ),
}
"""Every template; an interruption is announced to everybody, it is a duty (clock CL17)."""

_WAITS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))


def wait_after(attempts: int) -> timedelta | None:
    """Return how long to wait after so many failures; None: it is given up."""
    return _WAITS[attempts - 1] if attempts <= len(_WAITS) else None


def message_text(template: Template, details: Mapping[str, str], language: str) -> str:
    """Return what the customer reads; a place without a value is left empty."""
    known = dict.fromkeys(_PLACES, "")
    text = RULES[template].text.in_language("en" if language == "en" else "zh")
    return text.format(**{**known, **details})


_PLACES = ("site", "medium_en", "medium_zh", "from_at", "to_at", "reason", "number")
