"""Readings: what gateways send becomes rows, once each, committed before it is acknowledged.

The line through the modules:

    mqtt_io           messages from the broker, acknowledgements back
    partition_shares  pure: which partitions one of several replicas holds
    partition_links_io      one session per partition held, where several replicas share them
    inbox             pure: is it a batch, a gateway's word, or unusable?
    arrivals          what arrived, and the number that tells equal content
    ingest            pure: new, duplicate, clone or refused?
    raw_words         several groups' register words in one column
    reading_rows      pure: frames of one meter and instant become one row
    hourly            pure: what is known of one meter and hour
    latest            pure: what is newest of one meter
    remembered        pure: the newest of a meter and its hour in few bytes
    fresh             pure: which ordinary frames are new and later than all that is known
    ingest_memory     what the writer remembers between two transactions, and when to forget it
    frame_store       ledger, acknowledgements, gaps, clones
    arrival_store     the list of what arrived, for detection
    row_store         rows, latest values and hours in their tables
    steady            pure: what the next frames make of a meter as it is remembered
    fresh_store       those frames' rows, newest and hours, nothing read
    superseded_store  what columns said at lower revisions
    quality_event_store      what was odd, for a person to see
    quarantine_store  what could not be used, verbatim
    reading_store     one transaction: ledger, readings, latest, hourly together
    adoption          a device or gateway becomes known, its kept frames become readings
    raw_export_store  which readings' register words leave for another decoding
    corrections       pure: what a reading decoded again changes, before and after added up
    correction_store  rows, what they replaced, latest and hours in one transaction
    corrections_io    files of words and of corrections
    health            counters of the ingest
    ingest_run_io     the loop: take, commit, acknowledge
"""
