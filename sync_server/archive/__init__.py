"""The archive: how long readings stay in the database, and where they go.

The line through the modules:

    upkeep_io         partitions made ahead, and for rows that came without one
"""
