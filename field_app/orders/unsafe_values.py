"""Decides which values of a watched step said that it is not safe before they were typed over."""

from collections.abc import Mapping

from field_app.orders.safety_steps import StepPlan, Trouble, trouble_of
from field_app.orders.step_timer import timer_key


def unsafe_typed_over(
    plan: StepPlan, former: Mapping[str, str], texts: Mapping[str, str]
) -> dict[str, str]:
    """Return the values, by field, with which a step was not safe and that stand no more.

    `former` is what stood on the page, `texts` what is kept now, both by `<step>.<field>`. A clock
    that is started anew leaves such values behind as well: nothing that was typed before it was
    watched.
    """
    is_begun_anew = timer_key(plan.step) in texts
    found: dict[str, str] = {}
    for field in plan.fields:
        name = f"{plan.step}.{field.key}"
        before = former.get(name, "")
        is_over = is_begun_anew or texts.get(name, before) != before
        if is_over and trouble_of(field, before) is Trouble.NOT_SAFE:
            found[field.key] = before
    return found
