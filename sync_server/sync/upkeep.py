"""What the sync must do by itself: every round, and once a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sync_server.db.change_store import broken_buckets, purge_tombstones
from sync_server.forms.form_store import known_keys
from sync_server.sync.facts import KNOWN_FORMS
from sync_server.sync.review_desk import withdraw_outcomes
from sync_server.sync.review_store import close_found, close_linked
from sync_server.sync.self_check import Finding, check_all, raise_alarm
from sync_server.work_orders.dispatch import withdraw_ended
from sync_server.work_orders.fact_store import link_known_forms
from sync_server.work_orders.person_store import keep_window

KEEP_TOMBSTONES = timedelta(days=90)
"""A tablet offline for longer starts anew and keeps its outbox (trap T13: at least 90 days)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepReport:
    """What was done.

    `broken_buckets` and `findings` must be empty: else a sum does not add up (I12), or ledger and
    effects do not fit, and a person was asked to look.
    """

    withdrawn_count: int
    horizon: int
    broken_buckets: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def keep_current(connection: Connection, now_utc: datetime) -> None:
    """Do what the time demands: persons on and off the tablets, parked facts linked.

    Call it every few minutes in a transaction of its own.
    """
    keep_window(connection, now_utc)
    link_known_forms(connection, KNOWN_FORMS | known_keys(connection))
    close_linked(connection, now_utc)
    close_found(connection, now_utc)


def keep_up(connection: Connection, now_utc: datetime) -> UpkeepReport:
    """Return the report of one round; call it once a day in a transaction of its own."""
    keep_current(connection, now_utc)
    withdraw_outcomes(connection, now_utc)
    withdrawn = withdraw_ended(connection, now_utc)
    horizon = purge_tombstones(connection, now_utc - KEEP_TOMBSTONES)
    findings = check_all(connection)
    raise_alarm(connection, findings, now_utc)
    return UpkeepReport(
        withdrawn_count=withdrawn,
        horizon=horizon,
        broken_buckets=tuple(broken_buckets(connection)),
        findings=tuple(findings),
    )
