"""The server: readings come in, alerts and work orders come out, tablets stay in step.

The line through the features, in the order the data flows:

    db                the database: tables, engine, migrations, the feed of changes
    batch             long work over history in parts, here or by a cluster's workers
    sheets            tables that people take away, and tables that strangers' files bring
    migrations        the schema's versions, applied by `db.migrate_io`
    assets            gateways, meters, communities; which device is which meter
    customers         customers and premises, found by phone or address
    gateways          signed orders to gateways, their answers, how they are
    readings          frame -> reading, committed before it is acknowledged
    detection         readings -> findings
    alerts            findings -> alerts with a life cycle
    access            people, tablets, roles, sessions, audit
    staff             teams, skills and their end, messages to whoever is absent
    authority         certificates of this site, made and revoked
    suspects          the monthly list of meters suspected of leakage or wrong metering
    balances          what goes into a zone against what its meters count
    operator_figures  what the alerts of a period asked of who watched
    trials            ingest and detection over files and history, without touching what is live
    work_orders       alerts -> work orders with a life cycle
    archive           how long readings stay in the database, and where they go
    patrols           patrols, home checks and meter rounds of inspectors
    vans              parts and gas detectors of each crew; parts that were used
    forms             what the office asks on tablets: XLSForm -> model, versions, answers
    service_desk      calls and requests with their clocks -> work orders -> replies
    shifts            log and hand-over of the shifts
    hall              the hall's queue: a number, a need, a window
    plant             the network's parts in their life, defects as orders
    sales             sales and bills read from other systems, the cash of a day
    messages          what customers are written, with consent, through a port
    outages           planned interruptions, who is concerned, who was told
    complaints        verdicts, appeals, penalties, questions above, cases
    households        files of homes, changes with four eyes, applications
    outside           requests from outside: Open311 GeoReport v2
    imports           files that are looked at before they are taken
    aftercare         visits, callbacks, opinions, surveys, quality checks
    ledgers           what happened in a period, each figure with its rows
    exports           bulky files wait for a director; everything held on one person
    paging            whoever should look at a danger is called
    blobs             photos and signatures, safe before they are acknowledged
    sync              work orders <-> tablets
    safekeeping       copies of everything, and the way to another database
    setting_up        settings, certificates and units of a new site
    web               the pages of the control room
    clock_io, config, config_io, logs_io, private_files_io, traces_io, run_site, beside_pages_io,
    detection_run_io, run, __main__
                      the shell that starts it all
"""
