"""The archive: how long readings stay in the database, and where they go.

The line through the modules:

    tiers                 how long each tier stays; from which moment on it leaves
    daily                 what is kept of a day when its hours leave
    upkeep_io             partitions made ahead, and for rows that came without one
    parquet_io            raw readings of a day as a Parquet file, there and back
    archive_store         the list of the archive's files
    pieces_store          where old readings lie, day by day
    raw_leaving_io        raw readings leave, none that is not safe
    hours_leaving_store   hours become days
    frames_leaving_store  entries of the ledger of frames leave
    retention_io          each tier leaves when its days are over
    duckdb_io             readings of one meter, found in the files
    history_store         the course of a meter, wherever its readings are
    commands_io           the commands
"""
