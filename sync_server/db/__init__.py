"""The database: one schema for SQLite and PostgreSQL, and the ways to reach it.

The line through the modules:

    metadata          the one MetaData and the column types that differ between databases
    server_tables, asset_tables, reading_tables, alert_tables, feed_tables      the data side
    access_tables, order_tables, sync_tables      people, orders and tablets
    blob_tables       photos and signatures
    form_tables       the office's forms
    patrol_tables     what inspectors are given
    van_tables        parts and gas detectors of each crew
    suspect_tables    the monthly suspect-meter list
    customer_tables   customers, their premises and meters there
    desk_tables       calls, service requests and their path, the working calendar
    shift_tables      log and hand-over of the shifts
    paging_tables     whom the server called because nobody looked
    staff_tables      teams, skills with their end, messages to staff
    hall_tables       the queue of the hall
    sales_tables      sales and bills as other systems tell them, the cash of a day
    plant_tables      the network's parts in their life
    recording_tables  where recordings of calls are kept
    outside_tables    requests from outside, by their key
    import_tables     files that wait for a second look
    export_tables     files that wait for a director
    detection_tables  what arrived, what detection must know of meters, where it stands
    arrival_rows      how the rows of one ingest transaction travel to detection
    gateway_tables    orders to gateways, and how they are
    page_tables       how a person wants the pages
    engine_io         open an engine; read without taking the writer's lock
    advisory_io       locks that one of several processes holds, on PostgreSQL
    ingest_turns      who writes readings beside whom, on PostgreSQL
    log_io            empty the log into the file, beside the writers
    migrate_io        bring a database to the newest schema
    partition_io      the partitions by time of the big tables, on PostgreSQL
    bulk_io           many rows at driver speed
    among             one statement for any number of values
    server_store      the server's own facts, such as its epoch
    notices_io        PostgreSQL tells every process that the feed has grown
    feed_store        the append-only feed of changes that live pages follow
    change_store      the index of changes that tablets pull, in the order of the commits
    backup_io         copy a SQLite database while it is in use, and put a copy back
"""
