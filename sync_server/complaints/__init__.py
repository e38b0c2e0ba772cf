"""Complaints: what was found out, who answers for it, what was put right, what was learnt.

The line through the modules:

    complaint             the values, and the life cycle of a verdict
    escalation            who is asked when somebody cannot decide
    penalties             how much the policies propose
    verdicts              what a verdict and an appeal lack
    penalty_store         proposals, and who approved or waived them
    complaint_store       complaints, measures and appeals
    escalation_store      what was asked above, and the answers
    case_store            the library of cases
"""
