"""Batch: long work over history, cut into parts that do not know each other.

The line through the modules:

    runner            pure: parts are worked one after another; what another runner must keep to
    dask_io           parts are worked by Dask's workers, on this machine or on a cluster
    database_parts_io parts that read the database, from wherever they are done
    runner_options    pure: what a person says of it on the command line
    choose_io         the runner that was asked for
"""
