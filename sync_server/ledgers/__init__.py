"""Ledgers and reports: what happened in a day, week, month or year, each figure with its rows.

The line through the modules:

    period               which time a ledger is of
    ledger               the values of a ledger
    figures              how matters are counted: clocks, slips, complaints, people
    call_figures         how calls are counted
    callback_figures     how callbacks are counted
    matters_store        everything that a ledger counts, read at once
    business_store       the hall, sales, rates, cash, the book of the network's parts
    lines_store          what a figure of hall, customers and rates is made of
    books_store          one ledger of a period
"""
