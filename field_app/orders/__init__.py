"""What the crew sees of the orders, and how a tap becomes operations.

overlay         the server's row with the crew's own words on top
next_action     the one next step, and the side steps
order_lines     the cells of an order's one line in the list
order_store     the list's rows, rebuilt with every change, searched and paged
stamps          who, under which log-in, when: what every tap is stamped with
order_desk      reads and taps, each in one transaction
"""
