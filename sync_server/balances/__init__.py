"""Balances: what goes into a zone against what its meters count, month by month.

The line through the modules:

    balance           registers at two bounds -> use of each meter -> what is not accounted for
    zone_store        zones and their registers at the bounds of months, from what the ingest keeps
    year_store        a whole year of every zone, in parts that workers can do
    commands_io       the command that writes it
"""
