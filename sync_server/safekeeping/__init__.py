"""Safekeeping: copies of all that the server keeps, and its way to another database.

The line through the modules:

    row_sums          pure: the sum by which two tables are compared, whatever the database
    moving_io         every row of one database into another, in pieces, compared at the end
    anchors_io        the end of the audit chain, kept outside the database
    erased_again_io   who was erased behind a restored copy is erased again
    ended_access_io   what access ended behind a restored copy ends again
    commands_io       the commands
    retention         what has been kept long enough is forgotten
"""
