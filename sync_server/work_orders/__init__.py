"""Work orders: made from alerts, done by crews, verified and closed by the office.

The line through the modules:

    order               the values of an order
    policy_store        the versioned rules with their sources
    instructions        what the crew must do, in the order that safety demands
    order_plan          what kind of order an alert becomes
    auto_orders         which alerts become orders without a person (RULINGS R8)
    fact_store          the insert-only facts of an order
    word_order          which of two words came later, also where a clock is doubted
    left_work           what one crew leaves to the next, from its facts
    site_store          where the meter hangs and what it counted lately, for the crew
    person_store        whom a crew meets: for 48 hours on tablets, erased without a trace
    order_row           the row of an order as a push has it in hand
    order_rows_store    the rows of orders: read, made, moved, shown to tablets
    step_store          the steps that orders took, for what a tablet repeats
    order_book          the orders of one transaction, written and shown at its end
    order_store         what the office does with orders; the role decides who may
    dispatch            alert -> order, by a person or by the rule
"""
