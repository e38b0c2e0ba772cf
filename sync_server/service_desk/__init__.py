"""The service desk: calls and requests from the first words to the reply, with their clocks.

The line through the modules:

    request               the values of a request
    catalogue             what follows from what a caller comes with, and what to say
    intake_line           what one typed line means
    working_calendar      which days are worked
    clocks                which clocks run, when each is over
    likeness              whether a matter is known already
    request_guards        what a request lacks before a step
    approvals             whose word a step needs before it is taken
    calls                 what an event of the telephone system means
    call_store            what rings, what was missed, who called back
    recording_store       where recordings of calls are kept, and for how long
    request_rows_store    the rows of requests
    request_finds_store   which requests belong to a place, a caller, a group
    paper_store           slips on paper while the server is away
    matters_store         the matters of a time, with path and notes
    request_store         what the office does with requests; the role decides who may
    order_follow_store    requests follow the orders they became
    group_store           requests about the same matter
"""
