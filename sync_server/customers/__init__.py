"""Customers: who they are, where they live, which meters hang there; found by phone or address.

The line through the modules:

    customer          the values, and how a number is masked
    address_words     what an address is found by
    customer_store    customers and premises in the database; found, kept, erased
    import_io         homes with their customers from a CSV file
"""
