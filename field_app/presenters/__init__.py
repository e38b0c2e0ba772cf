"""Plain classes between the tablet and its screens: taps in, frozen view data out.

    ports         what a screen's tool kit gives: a worker, a timer; the words and the zone
    views         the view data that a screen draws
    stage         one watcher, the last view, stale answers dropped
    wording       states, reasons and times in the reader's language
    crew_line     crew and person in one line
    rows          orders -> rows of the list
    orders        OrdersPresenter: the list
    details       one order -> its page
    photos        how far the photos of an order are, in one line
    order         OrderPresenter: one order
    finding       FindingPresenter: the finding form
    sheet_views   the view data of a sheet: blocks, and one big next step
    sheet         SheetPresenter: one sheet; every answer is kept before the next one
    site_words    how steps, values, reasons and troubles of the work on site read
    site_page     what the sheets of one order share
    work_page     the steps, in the order that safety demands
    gate_page     the air before a well is entered
    valves_page   which valve is closed, and who may open it
    parts_page    what was taken from the van
    reading_page  what the meter shows, questioned at once
    leave_page    no access, cannot finish, hand-over
    help_page     the watch over who works alone, the call for help
    shift_page    my numbers today, the note to the next shift
    alarm         AlarmPresenter: what must be answered now
    sync          SyncPresenter: the sync pill and page
    enrol         EnrolPresenter: the first start
    log_in        LogInPresenter: the PIN page, who works now, and the lock

Every presenter follows one pattern: `attach(show)` hands it the function that draws a view and
draws at once; `detach()` makes it silent (an answer that arrives later is dropped); `view` is the
last view data; `refresh()` reads again. Methods never block: they run through the worker and call
`show` on the thread the worker chooses.

    OrdersPresenter(tablet, context)            attach detach refresh
        search(text) choose_filter(key) show_more()
    OrderPresenter(tablet, context, order_id)   attach detach refresh
        act(event) add_note(text) mark_seen()
    FindingPresenter(tablet, context, order_id) attach detach refresh
        choose_result(key) choose_cause(key) type_measured(key, text) type_note(text)
        flush() finish(done)
    SheetPresenter(page, context)               attach detach refresh
        type(key, text) choose(key, value) tap(key) flush()
    AlarmPresenter(tablet, context, hardware)   attach detach refresh
        answer()
    SyncPresenter(tablet, context, hardware)    attach detach refresh
        sync_now() set_online(is_online) mark_seen(op_id) try_held_again()
    EnrolPresenter(tablet, context, config)          attach detach refresh
        type_server(url) type_code(code) enrol() choose_person(account_id)
    LogInPresenter(tablet, context)             attach detach refresh
        choose(account_id) type_digit(digit) rub_out() confirm() begin_set_pin() cancel() lock()
        touch() tick()
"""
