"""Sales, bills and the cash of a day: read from other systems, never made here (RULINGS R20).

The line through the modules:

    sale              the values of sales, bills and a clerk's cash
    sale_rows         rows of a file -> sales and bills
    sale_store        sales and bills in the database, summed by day and by month
    cash_store        the cash of a clerk and day: counted, banked
"""
