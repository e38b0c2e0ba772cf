"""Homes: one household one file, changes with four eyes, new buildings, applications.

The line through the modules:

    home_file             the values of a home's file
    completeness          what a file lacks, and where a contract stands
    applications          what an application needs, and what is told before
    file_store            documents, archive errors, reviews
    change_store          areas, stopped supplies, capacities, refunds
    building_store        new buildings before the season
    application_store     applications at the window
"""
