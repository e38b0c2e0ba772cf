"""Alerts: a finding someone must look at, with a life cycle and a memory.

The line through the modules:

    alert             the values: what is raised, what is kept, what is asked for
    priorities        how urgent a kind is
    alert_rows_store  one row read, changed, or told of in its history
    alert_store       raise, return, acknowledge, shelve, order, finding; every step an event
    upkeep_store      out of service and back, latched and reset
    alert_lane_store  what the fleet's alert book says of a meter and lane
    alert_list_store  reading: one alert, those a page wants, what happened to one
"""
