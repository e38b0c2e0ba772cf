"""The monthly list of meters suspected of leakage or wrong metering (domain rule E-07).

The line through the modules:

    suspicion         pure: a meter's months and alerts become a score with its reasons
    month_store       what each meter used, month by month
    suspect_store     the list in the database, its orders and what crews found
"""
