"""Requests from outside: Open311 GeoReport v2 for web forms, apps and other hotlines.

The line through the modules:

    geo_report        services, what a request from outside means, what of it is told
    geo_text          the same as JSON and as XML
    outside_store     requests from outside in the database, each with the key it came by
"""
