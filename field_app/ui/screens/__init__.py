"""The screens: each draws the view data of one presenter and reports taps; one kv file each.

enrol       the first start: server, one-time code, who is working
orders      the list of orders with search and filters
order       one order: why, the evidence, the steps, the next action
finding     the form that a meter check ends with
sheet       one sheet of blocks with one big next step
sync_page   where the tablet's words stand
settings    language, theme, size of the text
shell       the bar, the navigation, one pane or two
"""
