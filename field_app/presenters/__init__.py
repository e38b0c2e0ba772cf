"""Plain classes between the tablet and its screens: taps in, frozen view data out.

    ports         what a screen's tool kit gives: a worker, a timer; the words and the zone
    views         the view data that a screen draws
    stage         one watcher, the last view, stale answers dropped
    dates         how days and moments read
    wording       states, reasons and durations in the reader's language
    outcome_words what was sent, why it was refused, what to do now
    crew_line     crew and person in one line
    rows          orders -> rows of the list
    orders        OrdersPresenter: the list
    details       one order -> its page
    photos        how far the photos of an order are, in one line
    album         AlbumPresenter: the photos of an order
    order_tools   the tools of an order page, and what its next step opens
    order         OrderPresenter: one order
    map_views     the view data of the map
    map_route     how a route lies on the map
    map_legend    what its lines and signs mean
    map           MapPresenter: the network, today's stops, the route, what closes what
    finding       FindingPresenter: the finding form
    form_views    the view data of a form of the office
    form_wording  how one item of a form reads: its card, its range, its mistake
    form          FormPresenter: a form of the office; every answer is kept before the next one
    form_answers  how an answer of each kind is given
    form_doubts   what a checklist about an exchanged meter asks twice
    form_pages    which cards of a long form are shown at once
    form_tools    which forms an order page offers
    sheet_views   the view data of a sheet: blocks, and one big next step
    second_tap    what is asked twice, and no bounce
    sheet         SheetPresenter: one sheet; every answer is kept before the next one
    site_words    how steps, values, reasons and troubles of the work on site read
    site_page     what the sheets of one order share
    step_questions  what the step asks that is next, and what is wrong with its values
    work_page     the steps, in the order that safety demands
    air_page      the air before a well is entered, at an order or at a stop
    typed_detector  which detector is meant, as it was chosen or typed
    gate_page     the gate of the wells of an order
    valves_page   which valve is closed, and who may open it
    parts_page    what was taken from the van
    reading_page  what the meter shows, questioned at once
    next_visit    the questions for the next appointment
    leave_page    no access, cannot finish, hand-over
    watch         what the watch is told, and how the time that is left reads
    help_place    where a call for help is: in words, by position, how old that is
    help_page     the watch over who works alone, the call for help
    still_open    what a shift leaves open
    shift_page    my numbers today, the note to the next shift
    alarm         AlarmPresenter: what must be answered now
    sync          SyncPresenter: the sync pill and page
    enrol         EnrolPresenter: the first start
    log_in        LogInPresenter: the PIN page, who works now, and the lock
    round_parts   what every presenter of a round is given
    stop_gate     the air before a well of a round is entered
    round_forms   the office's forms of a checkpoint or a home
    round_wording places, measures, items and doubts of rounds in the reader's language
    left_lines    dangers at places that have left, until a person has told of them
    rounds        RoundsPage: what an inspector has to do
    route_pipes   which pieces of the network lie under the sketch of a route
    run_views     what the page of a run shows
    run           RunPresenter: one patrol on its way
    point_blocks  the parts of a stop's page
    point_told    what was said at a stop before: told, or worded and taken back
    point         PointPage: one checkpoint of a run
    run_end       RunEndPage: what was skipped and missed, before a run is ended
    round_list    RoundListPresenter: the homes or meters of a round
    home_blocks   the parts of a home's page
    home          HomePage: the check of one home
    meter         MeterPresenter: one reading by eye

Every presenter follows one pattern: `attach(show)` hands it the function that draws a view and
draws at once; `detach()` makes it silent (an answer that arrives later is dropped); `view` is the
last view data; `refresh()` reads again. Methods never block: they run through the worker and call
`show` on the thread the worker chooses.

    OrdersPresenter(tablet, context)            attach detach refresh
        search(text) choose_filter(key) show_more()
    OrderPresenter(tablet, context, order_id, dialler) attach detach refresh
        act(event) add_note(text) call() mark_seen()
    FindingPresenter(tablet, context, order_id) attach detach refresh
        choose_result(key) choose_cause(key) type_measured(key, text) type_note(text)
        flush() finish(done)
    SheetPresenter(page, context)               attach detach refresh
        type(key, text) choose(key, value) tap(key) flush()
    AlarmPresenter(tablet, context, hardware)   attach detach refresh
        answer()
    FormPresenter(tablet, context, request, hardware)    attach detach refresh
        choose(place, key) type(place, text) answer(place, text) act(place) sign(place, png)
        add(place) remove(place) undo() check() flush() finish(done)
    SyncPresenter(tablet, context, hardware)    attach detach refresh
        sync_now() set_online(is_online) mark_seen(op_id) try_held_again()
    EnrolPresenter(tablet, context, config)          attach detach refresh
        type_server(url) type_code(code) enrol() choose_person(account_id)
    RunPresenter(parts, run_id)                 attach detach refresh
        look()
    RoundListPresenter(parts, kind)             attach detach refresh
        choose(building)
    MeterPresenter(parts, meter_id)             attach detach refresh
        press(key) photograph() keep()
    LogInPresenter(tablet, context)             attach detach refresh
        choose(account_id) type_digit(digit) rub_out() confirm() begin_set_pin() cancel() lock()
        touch() tick()
"""
