"""Decides which skill an order needs, and how a certificate stands that ends some day."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from wire_contracts.orders import OrderType
from wire_contracts.quantities import Medium


class Skill(StrEnum):
    """What somebody can do; languages beside Mandarin are skills too (rule A-19)."""

    GAS_WORK = "gas_work"
    HEAT_WORK = "heat_work"
    WATER_WORK = "water_work"
    METERING = "metering"
    CONFINED_SPACE = "confined_space"
    SERVICE_POST = "service_post"
    """The post certificate of service staff (rule A-44)."""
    SPEAKS_YUE = "speaks_yue"
    SPEAKS_DIALECT = "speaks_dialect"
    SPEAKS_EN = "speaks_en"


LANGUAGES: Mapping[str, Skill] = {
    "yue": Skill.SPEAKS_YUE,
    "dialect": Skill.SPEAKS_DIALECT,
    "en": Skill.SPEAKS_EN,
}
"""Preferred language of a customer -> who should answer; everybody speaks Mandarin (A-19)."""

_WORK: Mapping[Medium, Skill] = {
    Medium.GAS: Skill.GAS_WORK,
    Medium.HEAT: Skill.HEAT_WORK,
    Medium.WATER: Skill.WATER_WORK,
}
_METER_WORK = frozenset({OrderType.METER_CHECK, OrderType.METER_EXCHANGE, OrderType.COMM_CHECK})


class Standing(StrEnum):
    """How a certificate stands (rule A-44)."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"


def needed_skill(order_type: OrderType, medium: Medium) -> Skill:
    """Return what at least one of the crew must be able to do (rule A-06)."""
    return Skill.METERING if order_type in _METER_WORK else _WORK[medium]


def standing_of(ends_at_utc: datetime | None, now_utc: datetime, warn: timedelta) -> Standing:
    """Return how a certificate stands; one without an end stays valid."""
    if ends_at_utc is None or ends_at_utc > now_utc + warn:
        return Standing.VALID
    return Standing.EXPIRING if ends_at_utc > now_utc else Standing.EXPIRED
