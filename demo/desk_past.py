"""Who called the service desk in the weeks before the town is shown: about what, from where, when.

A company with 10,368 homes hears from 6 to 12 of them a day; the shares of the classes are
judgement: questions first, then supply and meters, a smell of gas nearly every day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from demo.chance import key_of
from demo.town import Household, Town
from demo.town_time import day_start_utc, local_day
from sync_server.service_desk.request import Channel, RequestClass
from wire_contracts.findings import Cause
from wire_contracts.kinds import FindingResult

DAYS = 35
"""Five weeks: last month is whole enough for its reports, callbacks of last week are due."""

_FEWEST, _MOST = 6, 12
_OPEN_AT, _OPEN_H = 7.5, 13.5
"""Calls come between 7:30 and 21:00 of the town's clock."""

_MISSED = 0.06
_COUNTER = 0.15
_C = RequestClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a crew found at a call's home, and what the customer was told."""

    result: FindingResult
    cause: Cause
    note: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What callers come with: their words, and how it ended.

    Attributes:
        answer: What the desk said or did; empty where a crew answers by `finding`.
    """

    request_class: RequestClass
    words: str
    weight: int
    answer: str = ""
    finding: Finding | None = None


def _crew(  # noqa: PLR0913, PLR0917  # one row of the table
    request_class: RequestClass,
    weight: int,
    words: str,
    result: FindingResult,
    cause: Cause,
    note: str,
    reply: str,
) -> Matter:
    finding = Finding(result=result, cause=cause, note=note, reply=reply)
    return Matter(request_class=request_class, words=words, weight=weight, finding=finding)


def _desk(request_class: RequestClass, weight: int, words: str, answer: str) -> Matter:
    return Matter(request_class=request_class, words=words, weight=weight, answer=answer)


_F = FindingResult
# fmt: off
MATTERS: Sequence[Matter] = (
    _crew(_C.GAS_LEAK, 4, "厨房有燃气味，已经开窗",
          _F.LEAK, Cause.INDOOR_APPLIANCE, "灶具软管老化漏气，已更换", "软管已换，复测 0 % LEL"),
    _crew(_C.GAS_LEAK, 2, "楼道里闻到煤气味",
          _F.LEAK, Cause.JOINT, "表后接头渗漏，重新密封", "接头已处理，复测正常"),
    _crew(_C.GAS_LEAK, 2, "感觉有点味道，不确定",
          _F.NORMAL, Cause.NOTHING_FOUND, "各接口检测 0 % LEL", "未发现漏气，可以正常使用"),
    _crew(_C.NO_GAS, 9, "灶打不着火，邻居家正常",
          _F.OTHER, Cause.POWER_SUPPLY, "表内电池耗尽，已更换", "电池已换，供气正常"),
    _crew(_C.NO_GAS, 6, "插卡后还是没有气",
          _F.OTHER, Cause.WRONG_SETTING, "阀门未复位，已现场复位", "已恢复供气"),
    _crew(_C.METER_FAULT, 5, "表不走字了",
          _F.INACCURATE, Cause.STUCK_MECHANISM, "机芯卡滞，登记换表", "已登记换表，两天内上门"),
    _crew(_C.METER_DISPUTE, 3, "觉得表走得快，上月多用了二十方",
          _F.NORMAL, Cause.CHANGED_USE, "现场比对误差 0.6 %，表正常", "表在允许误差内"),
    _desk(_C.PRICE_QUESTION, 12, "第二阶梯的气价是多少", "已告知阶梯气价"),
    _desk(_C.HOW_TO, 10, "卡丢了怎么补", "携带身份证到营业厅补卡"),
    _desk(_C.HOW_TO, 8, "怎么看表上的余额", "按表上按钮，显示剩余方数"),
    _desk(_C.OTHER_QUESTION, 6, "小区明天停气吗", "查询无计划停气"),
    _desk(_C.BILLING, 3, "充值两百只到账一百", "核对流水，差额已补写入卡"),
    _desk(_C.CONDUCT, 2, "营业厅排队没人理", "与当班人员谈话，已向用户致歉"),
    _desk(_C.SUGGESTION, 2, "希望周末也能办理开户", "已转营业部研究"),
)
# fmt: on
"""Words, answers and shares are the town's own, after the classes of the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """One caller; `home` is the household with its place in the town, counted from 1.

    Attributes:
        matter: None for a call that nobody answered in time.
    """

    at_utc: datetime
    number: int
    home: tuple[int, Household]
    channel: Channel
    matter: Matter | None

    @property
    def phone(self) -> str:
        """The caller's number, as the file of the home has it."""
        return f"100{self.home[0]:08d}"


def plan_calls(town: Town, until_utc: datetime, days: int = DAYS) -> list[PastCall]:
    """Return the calls of the days before, the oldest first; the same seed gives the same.

    Args:
        town: Whose homes call.
        until_utc: When the town is first shown; nobody has called later.
        days: How far back.
    """
    draw = Random(key_of(town.seed, "desk"))
    today = local_day(until_utc)
    moments = [
        day_start_utc(day) + timedelta(hours=_OPEN_AT + draw.uniform(0.0, _OPEN_H))
        for day in range(today - days, today + 1)
        for _ in range(draw.randint(_FEWEST, _MOST))
    ]
    past = sorted(each for each in moments if each < until_utc)
    return [_call(draw, town, number, at_utc) for number, at_utc in enumerate(past, start=1)]


def _call(draw: Random, town: Town, number: int, at_utc: datetime) -> PastCall:
    place = draw.randrange(len(town.households))
    matter = draw.choices(MATTERS, [each.weight for each in MATTERS])[0]
    channel = Channel.COUNTER if draw.random() < _COUNTER else Channel.PHONE
    is_missed = channel is Channel.PHONE and draw.random() < _MISSED
    return PastCall(
        at_utc=at_utc,
        number=number,
        home=(place + 1, town.households[place]),
        channel=channel,
        matter=None if is_missed else matter,
    )
