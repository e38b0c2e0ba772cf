"""The network's parts in their life: planned, in service, defect, isolated, retired (rule E-02).

The line through the modules:

    plant             states, severities, which class of the book a part belongs to
    plant_store       states and events in the database; a defect becomes one work order
"""
