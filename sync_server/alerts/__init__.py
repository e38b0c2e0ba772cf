"""Alerts: a finding someone must look at, with a life cycle and a memory.

The line through the modules:

    alert             the values: what is raised, what is kept, what is asked for
    priorities        how urgent a kind is
    alert_store       raise, return, acknowledge, shelve, order, finding; every step an event
"""
