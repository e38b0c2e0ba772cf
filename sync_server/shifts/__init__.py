"""Shifts: the log of a desk, and what one shift leaves to the next.

The line through the modules:

    shift             the values of log and hand-over
    shift_store       entries and hand-overs in the database
    delegation_store  who stands in for whom
    incident_store    major incidents with their log
"""
