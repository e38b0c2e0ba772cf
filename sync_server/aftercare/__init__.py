"""What follows a request: the agreed visit, the callback, the opinion, the survey, the check.

The line through the modules:

    visits                slots, what to have ready, how a visit ends
    calling_times         when a customer may be called, and how often
    opinions              the life cycle of what customers suggest
    checklist             what good service sounds like
    visit_follow_store    agreed visits and the orders of crews
    visit_store           agreed visits
    opinion_store         suggestions and criticism until somebody decided
    callback_store        the week's callbacks with their four answers
    survey_store          surveys with their samples
    quality_store         contacts that were looked at again
"""
