"""Paging: a browser is not a pager, so whoever should look at a danger is called.

The line through the modules:

    paging            what is worth a call, when, and who is next on the ladder
    page_store        what nobody looked at, who was called already
    pager_io          the port to the outside, and one that writes into a file
    paging_run_io     looks every few seconds until it is told to stop
"""
