"""Patrols, home checks and meter rounds: what crews are given, what their results change.

The line through the modules:

    outcomes            a result -> what the thing is like from now on
    routes              what a change does to a route
    inspection_store    the things that crews inspect, shown to their tablets
    route_store         routes made, given to a crew, their stops changed
    field_orders        an order that the field asks for, made at once
    results             one fact of an inspector -> what it changes
    result_store        what inspectors did lately, for the page
"""
