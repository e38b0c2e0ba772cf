"""Who may do what: people with sessions, tablets with tokens, and a chain of what was done.

The line through the modules:

    refusals                    how somebody is turned away, with a stable code
    roles                       roles x actions, as a table
    login_limits                how many failures are too many
    one_time_codes              the six digits of a second factor
    secrets_io, passwords_io    tokens, codes and password hashes
    audit_store                 the append-only chain
    account_store               crews and people
    session_store               log-in of people
    browser_store               browsers from which somebody has logged in before
    factor_store                second factors and recovery codes
    factor_desk                 set up, prove, recover, take away
    tablet_store                enrolment, tokens and revocation of tablets
    contact_store               when tablets were heard, many in one transaction
    bootstrap                   the one-time link of the first start
    desk                        the conversations that hash outside the transaction
    error_answers_io            refusal -> HTTP status and {"code", "text"}
    guards_io                   FastAPI dependencies: a person with an action, or a tablet
    api_io                      the route by which a tablet enrols
"""
