"""The pieces that screens are built of; a module that draws brings the kv file of its name.

basics          text, icon, card, button, chip, pill, field
order_row       one order in the list
even_rows       long lists whose rows are all of one height
evidence_chart  the observed line against the expected band
lists           numbered steps, labelled texts, look-here items
route_sketch    a route from its own coordinates
network_map     pipes in meshes, signs and stops above them
blocks          the blocks of a sheet: words, verdicts, steps, questions, values, lists
"""
