"""What the crew sees of the orders, and how a tap becomes operations.

overlay         the server's row with the crew's own words on top
next_action     the one next step, and the side steps
order_lines     the cells of an order's one line in the list
told_valves     which valves stay closed though a restored server knows nothing of them
seen_order_store  an order as the crew sees it: overlaid, with the traces of its changes
order_store     the list's rows, rebuilt with every change
lost_orders_store  orders that a restored server does not show any more
order_list_store  the same rows filtered, searched, ranked and counted
stamps          who, under which log-in, when: what every tap is stamped with
finding_sheet   the finding form of one order as it stands
finding_changes  a finding -> operations
order_desk      reads and taps, each in one transaction
safety_steps    the steps in the order that safety demands, and their values
moments         how long something lasted, whatever the wall clock does
step_timer      how the clock of a step stands
unsafe_values   what a watched step showed before it was typed over
entry_gate      whether a person may enter a well
reading_check   whether a meter reading can be
gas_order       when gas that was found makes an order of class A
lone_watch      how the watch over a lone worker stands
step_book       which steps still stand: valves opened, gas found later, half an hour
crew_words      what other tablets of the crew told, among the own taps; closed valves
work_record     facts of an order -> steps done, valves closed, parts, readings
network_near    which valves close the section at a place
completion      what an order still needs before it may be closed
van_store       what the crew has with it: the office's list, less what was taken
site_store      this tablet's own facts, and the map
site_sheet      what a crew sees of the work on one order
site_sheets_store  the same, read out of the file
gas_since_air   whether gas was told of elsewhere since a step's air was measured
shift_numbers   the day of a tablet in numbers
site_changes    what is done on an order -> operations
case_photos_store  which photos belong to the case that is worked on
begun_findings  what others of the crew began in the finding form
site_drafts_store  what is typed on site and not sealed yet, the detector in use
left_orders     what was begun at orders that have left this tablet -> the office
kept_calls      of calls and the watch what outlives a withdrawal
call_desk       help and the watch over who works alone, each tap one transaction
site_desk       what is done on site, each tap one transaction
"""
