"""The control room's pages.

The line through the modules:

    settings                 what the pages must know of the installation
    words, labels            how a page speaks to one reader
    form_refusals            what is wrong with a sent form, as refusals
    refusal_names, refusal_words
                             how refusals read in the reader's language
    desk_labels, office_labels
                             how the matters of desk and office are called
    policy_words             what the product says itself of its policies
    audit_words              what each action of the audit is called
    row_numbers              which numbers of rows a path may name
    places                   where something is, in the reader's language
    sparkline, chart, columns
                             courses as paths, lines and columns
    alert_look               what one row shows of an alert's evidence
    alert_floods             which alerts of the list are one flood
    alert_views, desk        what the alert desk shows
    order_views              what the order pages show
    board_views              where each order stands on the dispatch board
    photo_views              what pages show of a record's photos
    gateway_views            what the page of the gateways shows of their health
    meter_facts_store        where a meter's readings come from, its devices, its neighbours
    meter_views              what a meter's page shows of devices, zone, frames, neighbours
    record_views             what the pages of meters, gateways, tablets and accounts show
    review_words, review_views
                             what the review page shows
    balance_views            what the pages of the balances show
    figure_views             what the page of the operator figures shows
    suspect_views            what page, sheet and paper of suspect meters show
    form_views               what the pages of the forms show
    home_check_views         home checks in words, homes with a hazard
    round_views              what the page of the rounds shows
    van_views                what the page of the vans shows
    site_work_views          what the order page shows of the work on site
    request_views            what the pages of the service desk show of requests
    complaint_views          what the pages of complaints show
    aftercare_views          what the pages of visits, callbacks, opinions and surveys show
    outage_views             what the pages of planned interruptions show
    home_views               what the pages of homes and applications show
    hall_views               what the pages of the hall and its cash show
    staff_views              what the page of the staff shows
    plant_views              what the page of the network's parts shows
    ledger_views             what page and files of a ledger show
    ledger_chart             which bars stand above a ledger
    intake_views             what the intake shows and proposes while a call is taken
    export_labels, export_views
                             what the page of exports and the copy of a person show
    patrol_progress          how far each patrol of the day is
    map_store, map_views     what the town's map draws
    preference_store         language and theme of a person
    page_queries_store       what pages ask that no feature answers by itself
    desk_queries_store       the open alerts without the evidence that is not shown
    desk_look_store          what the intake asks about a place
    shift_matters_store      what is open, as one shift hands it to the next
    desk_names_store         how people, crews and communities are called
    chart_flags_io           what happened beside a chart's line, numbered
    build_assets_io          front-end libraries by name and lock file
    catalogue_io             the gettext catalogues
    qr_io                    a text as a QR code
    pages_io                 a template with a reader's words; security headers
    busy_io                  what is answered when the database had no turn
    site_access_io           sessions on the wall's clock, tablets on the site's
    crews_io                 the crews that an order can be sent to
    intake_look_io           everything that is known of a caller's line
    live_io                  one poller of the feed, many pages that follow it
    session_io, calls_io, recordings_io, intake_io, attempts_io, paper_io, request_list_io,
    requests_io,
    complaints_io, applications_io, hall_io, staff_io, plant_io, imports_io, homes_io,
    home_changes_io,
    aftercare_io, visits_io, interruptions_io, shift_io, delegations_io, incidents_io,
    policies_io, map_io, desk_io, upkeep_io, orders_io, board_io, contacts_io, photos_io, meters_io,
    gateways_io, gateway_orders_io, rounds_io, route_plan_io, vans_io, review_io, forms_io,
    suspects_io, balances_io, figures_io, ledgers_io, exports_io, person_copy_io, people_io,
    audit_io, open311_io, public_outages_io, health_io
                             the routes, each behind its guard
    api_description          what the OpenAPI description says that each route answers
    app_io                   all of it as one application
"""
