"""Staff: teams under all their names, what people can do and until when, messages for the absent.

The line through the modules:

    skills            skills, which of them an order needs, who speaks a language
    skill_store       what people can do, in the database; which crews are fit for an order
    team_store        teams, their other names, who is in them
    notice_store      messages for somebody who was not there
"""
