"""Owns what the screens of a round show before their presenters have spoken."""

from field_app.presenters.meter import BLANK_METER_VIEW
from field_app.presenters.round_list import BLANK_LIST_VIEW, RoundRow
from field_app.presenters.run_views import RunView, SketchView, StopRow
from field_app.presenters.views import BLANK_MARK, Tone

BLANK_METER = BLANK_METER_VIEW

BLANK_ROUND_LIST = BLANK_LIST_VIEW

BLANK_ROUND_ROW = RoundRow(
    key="",
    title="",
    detail="",
    icon="home",
    state_text="",
    state_icon="",
    tone=Tone.PLAIN,
    mark=BLANK_MARK,
    is_open=True,
    building="",
)

BLANK_STOP = StopRow(
    checkpoint_id="",
    number="",
    name="",
    detail="",
    icon="map-marker",
    state_text="",
    state_icon="",
    tone=Tone.PLAIN,
    distance_text="",
    is_next=False,
)

BLANK_RUN = RunView(
    title="",
    progress_text="",
    share=0.0,
    next_id="",
    next_name="",
    next_detail="",
    next_distance="",
    arrow_deg=None,
    position_text="",
    position_tone=Tone.PLAIN,
    stops=(),
    sketch=SketchView(),
    alarm_text="",
    mark=BLANK_MARK,
    can_search=False,
    is_busy=True,
)
