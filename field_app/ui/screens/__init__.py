"""The screens: each draws the view data of one presenter and reports taps; one kv file each.

enrol       the first start: server, one-time code, who is working
orders      the list of orders with search and filters
order       one order: why, the evidence, the steps, the next action
finding     the form that a meter check ends with
form        a form of the office, one card per item
photos      the photos of an order, and the pen to mark them up
map         the network and today's stops
sheet       one sheet of blocks with one big next step
run         one patrol on its way: route, next stop, list
round_list  the homes or meters of a round, by building
meter_pad   one meter read by eye, on a numeric pad
signing     where a household signs
sync_page   where the tablet's words stand
settings    language, theme, size of the text
shell       the bar, the navigation, one pane or two
"""
