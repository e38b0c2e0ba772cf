"""Agreed visits, callbacks, opinions, surveys, quality checks."""

import sqlalchemy as sa
from alembic import op

from sync_server.migrations.columns import (
    count,
    index,
    key,
    leads_to,
    long_text,
    number,
    put_policies,
    text,
    time,
    truth,
)

revision = "0020"
down_revision = "0019"

_POLICIES = (
    ("visit.slot.most", 4, "judgement: visits that one crew makes in two hours"),
    ("visit.attempts.most", 3, "domain model 2.8: the third visit in vain leaves a letter"),
    ("callback.attempts.most", 3, "policy K7: three failed attempts, never two on one day"),
    ("callback.sample.percent", 10, "policy K4: all repairs and complaints, a sample of the rest"),
)


def upgrade() -> None:
    """Make the tables; put the limits."""
    _make_visit()
    _make_callback()
    _make_opinion()
    _make_survey()
    _make_quality_check()
    put_policies(_POLICIES)


def _make_visit() -> None:
    op.create_table(
        "visit",
        number("visit_id"),
        text("request_id", 36),
        text("day", 10),
        text("slot", 11),
        text("state", 12),
        text("prepared", 200),
        count("attempt"),
        long_text("result"),
        text("made_by", 64),
        time("changed_at_ms"),
        leads_to("visit", "request_id", "service_request"),
        key("visit", "visit_id"),
    )
    index("visit", "request_id")
    index("visit", "day", "slot")


def _make_callback() -> None:
    op.create_table(
        "callback",
        number("callback_id"),
        text("request_id", 36),
        truth("is_reached"),
        truth("is_finished", is_nullable=True),
        truth("is_kept", is_nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        long_text("opinion"),
        text("called_by", 64),
        time("called_at_ms"),
        leads_to("callback", "request_id", "service_request"),
        key("callback", "callback_id"),
    )
    index("callback", "request_id")
    index("callback", "called_at_ms")


def _make_opinion() -> None:
    op.create_table(
        "opinion",
        number("opinion_id"),
        text("request_id", 36),
        text("source", 12),
        long_text("text"),
        text("state", 12),
        text("department", 100),
        long_text("response"),
        text("changed_by", 64),
        time("changed_at_ms"),
        leads_to("opinion", "request_id", "service_request"),
        key("opinion", "opinion_id"),
    )
    index("opinion", "request_id", "source", is_unique=True)
    index("opinion", "state")


def _make_survey() -> None:
    op.create_table(
        "survey",
        number("survey_id"),
        text("name", 200),
        text("until_on", 10),
        text("made_by", 64),
        time("made_at_ms"),
        long_text("action"),
        time("closed_at_ms", is_nullable=True),
        key("survey", "survey_id"),
    )
    op.create_table(
        "survey_home",
        time("survey_id"),
        text("premises_id", 64),
        sa.Column("score", sa.Integer(), nullable=True),
        long_text("remark"),
        text("asked_by", 64, is_nullable=True),
        time("asked_at_ms", is_nullable=True),
        leads_to("survey_home", "survey_id", "survey"),
        leads_to("survey_home", "premises_id", "premises"),
        key("survey_home", "survey_id", "premises_id"),
    )


def _make_quality_check() -> None:
    op.create_table(
        "quality_check",
        text("request_id", 36),
        text("account_id", 64),
        text("kept", 400),
        count("score"),
        long_text("remark"),
        text("checked_by", 64),
        time("checked_at_ms"),
        leads_to("quality_check", "request_id", "service_request"),
        key("quality_check", "request_id"),
    )
    index("quality_check", "account_id", "checked_at_ms")
