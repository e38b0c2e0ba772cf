"""What ledgers, their columns and the columns behind their figures are called."""

from collections.abc import Mapping, Sequence

from sync_server.ledgers.ledger import Book
from sync_server.ledgers.lines_store import COLLECTION_RATE, READING_RATE
from sync_server.ledgers.period import Span
from sync_server.web.words import mark

BOOKS: Mapping[Book, str] = {
    Book.CLOCKS: mark("Response clocks"),
    Book.CALLS: mark("Calls"),
    Book.NUMBERS: mark("Numbers dialled"),
    Book.CALLBACKS: mark("Callbacks of the week"),
    Book.REQUESTS: mark("Ledger of the hotline"),
    Book.SLIPS: mark("Register of slips"),
    Book.TEAMS: mark("Crews and their slips"),
    Book.PEOPLE: mark("Figures of each person"),
    Book.COMPLAINTS: mark("Complaints"),
    Book.CAUSES: mark("Causes and measures"),
    Book.INTERNAL: mark("Own people on the hotline"),
    Book.CUSTOMERS: mark("Customers and homes"),
    Book.HALL: mark("Queue of the hall"),
    Book.SALES: mark("Sales"),
    Book.SALE_DAYS: mark("Sales by day"),
    Book.SALE_LINES: mark("Sales one by one"),
    Book.RATES: mark("Reading and collection rates"),
    Book.CASH: mark("Cash of the day"),
    Book.PLANT: mark("Book of the network"),
    Book.LATE: mark("Missed clocks"),
}
"""Ledger -> its title, in the order of the page."""

_CALLS: Sequence[str] = (
    mark("Calls"),
    mark("Answered"),
    mark("In three rings"),
    mark("Missed"),
    mark("Called back in time"),
    mark("Called back late"),
    mark("Not called back"),
    mark("Loss rate"),
    mark("Agent hung up"),
)
_SOLD: Sequence[str] = (
    mark("Residents, sales"),
    mark("Residents, m³"),
    mark("Residents, yuan"),
    mark("Others, sales"),
    mark("Others, m³"),
    mark("Others, yuan"),
)
HEADINGS: Mapping[Book, Sequence[str]] = {
    Book.CLOCKS: (
        mark("Clock"),
        mark("Until"),
        mark("Started"),
        mark("Kept"),
        mark("Too late"),
        mark("Running"),
        mark("Share kept"),
    ),
    Book.LATE: (
        mark("Request"),
        mark("Class"),
        mark("Clock"),
        mark("Until"),
        mark("Was due"),
        mark("Happened"),
        mark("Minutes too late"),
        mark("Owner"),
    ),
    Book.CALLS: (mark("Day"), *_CALLS),
    Book.NUMBERS: (mark("Number"), *_CALLS, mark("Share of all")),
    Book.CALLBACKS: (
        mark("Day"),
        mark("Called"),
        mark("Reached"),
        mark("Finished"),
        mark("Promise kept"),
        mark("Mean of 1 to 5"),
        mark("With an opinion"),
        mark("Opened again"),
    ),
    Book.REQUESTS: (
        mark("Request"),
        mark("Received"),
        mark("Entered"),
        mark("Late entry"),
        mark("Channel"),
        mark("Kind"),
        mark("Class"),
        mark("Where"),
        mark("First contact"),
        mark("Owner"),
        mark("State"),
        mark("Done"),
        mark("Replied"),
    ),
    Book.SLIPS: (
        mark("Day"),
        mark("In homes"),
        mark("Public area"),
        mark("Complaints"),
        mark("Applications"),
        mark("Under warranty"),
        mark("Not under warranty"),
        mark("Entered late"),
        mark("Sent"),
        mark("Not replied"),
        mark("Reminded"),
    ),
    Book.TEAMS: (
        mark("Crew"),
        mark("Sent"),
        mark("Bounced"),
        mark("Done"),
        mark("Replied"),
        mark("Open"),
        mark("Opened again"),
        mark("With a missed clock"),
        mark("Share in time"),
    ),
    Book.PEOPLE: (
        mark("Person"),
        mark("Calls answered"),
        mark("In three rings"),
        mark("Requests taken"),
        mark("Solved at first contact"),
        mark("Replies"),
        mark("Callbacks"),
        mark("Satisfied"),
        mark("Missed clocks"),
        mark("Penalties, CNY"),
    ),
    Book.COMPLAINTS: (
        mark("Class"),
        mark("Complaints"),
        mark("Major"),
        mark("Repeated"),
        mark("Responsible"),
        mark("Not responsible"),
        mark("No verdict yet"),
        mark("Appealed"),
        mark("Replied"),
        mark("Satisfied"),
    ),
    Book.CAUSES: (
        mark("Cause"),
        mark("Complaints"),
        mark("Share of all"),
        mark("Measures agreed"),
        mark("Carried out"),
    ),
    Book.CUSTOMERS: (
        mark("Community"),
        mark("Homes"),
        mark("Residents"),
        mark("Public welfare"),
        mark("Commercial"),
        mark("Industrial"),
        mark("Internal"),
        mark("Meters"),
    ),
    Book.INTERNAL: (),
    Book.HALL: (
        mark("Day"),
        mark("Came"),
        mark("Served"),
        mark("Went away"),
        mark("Left unserved"),
        mark("Waited, min"),
        mark("Longest, min"),
    ),
    Book.SALES: (mark("Span"), mark("Period"), *_SOLD),
    Book.SALE_DAYS: (mark("Day"), *_SOLD),
    Book.SALE_LINES: (
        mark("Sale"),
        mark("Day"),
        mark("Medium"),
        mark("Class"),
        mark("Home"),
        mark("m³"),
        mark("yuan"),
        mark("Paid by"),
        mark("Seller"),
    ),
    Book.RATES: (
        mark("Month"),
        mark("Meters"),
        mark("Read"),
        mark("Reading rate"),
        mark("Target"),
        mark("Bills"),
        mark("Paid bills"),
        mark("Billed, yuan"),
        mark("Paid, yuan"),
        mark("Collection rate"),
        mark("Target"),
    ),
    Book.CASH: (
        mark("Day"),
        mark("Clerk"),
        mark("Sold, yuan"),
        mark("Counted, yuan"),
        mark("Difference"),
        mark("Reason"),
        mark("Bank slip"),
        mark("Banked"),
        mark("Late"),
    ),
    Book.PLANT: (
        mark("Part of the network"),
        mark("Medium"),
        mark("Pieces"),
        mark("km"),
        mark("planned"),
        mark("in service"),
        mark("defect"),
        mark("isolated"),
        mark("retired"),
    ),
}
"""Ledger -> its columns; those of the own people are those of the hotline."""

SPANS: Mapping[Book, Span] = {
    Book.CALLS: Span.WEEK,
    Book.NUMBERS: Span.WEEK,
    Book.CALLBACKS: Span.WEEK,
    Book.SALE_LINES: Span.DAY,
    Book.RATES: Span.YEAR,
}
"""The period a ledger opens with; every other one with the month (policy K9)."""

ONE_CALL: Sequence[str] = (
    mark("Rang"),
    mark("Number dialled"),
    mark("Answered by"),
    mark("Answered at"),
    mark("Missed"),
    mark("Called back at"),
)
"""The columns of the calls that a figure is made of."""

LINE_HEADINGS: Mapping[Book, Sequence[str]] = {
    Book.HALL: (
        mark("Day"),
        mark("Number"),
        mark("Need"),
        mark("State"),
        mark("Came"),
        mark("Called up"),
        mark("Ended"),
        mark("Waited, min"),
    ),
    Book.CUSTOMERS: (mark("Home"), mark("Class"), mark("heated"), mark("Meters")),
    Book.RATES: (
        mark("Meter"),
        mark("Medium"),
        mark("Community"),
        mark("Read"),
        mark("Last reading"),
    ),
}
"""The columns of what a figure is made of, where it is made of neither requests nor calls."""

BILL_HEADINGS: Sequence[str] = (
    mark("Bill"),
    mark("Medium"),
    mark("Class"),
    mark("Home"),
    mark("Billed, yuan"),
    mark("Paid, yuan"),
    mark("Paid on"),
)
"""The columns of the bills that a figure of the rates is made of."""

LACKING: Mapping[int, str] = {READING_RATE: mark("Not read"), COLLECTION_RATE: mark("Not paid")}
"""Column of a rate -> what its list is called: it shows what the rate lacks."""
