"""Server <-> tablet: nothing that a crew did is ever dropped.

The line through the modules:

    tokens              the cursor of a tablet, as an opaque text
    page_bytes          a page written and deflated once, spliced into any answer
    page_shelf          the pages that several tablets of a crew ask for
    pull                the next changes of the buckets a tablet may see
    scope               which buckets a tablet may see
    inbox               which operations of a push can be read
    event_time          when a tap happened
    merge               two words for one field
    word_store          the words that the crews' fields took
    review_store        what a person has to look at, with an owner and a due time
    order_copy_store    the orders that only tablets remember after a restore
    photo_reviews       a photo that cannot be taken is somebody's business
    chosen_values       what the office may write when it settles a review
    review_desk         a person settles a review: the office's value, the crew's, another one
    lost_orders         a person makes such an order again
    ledger_store        the permanent outcome of every operation
    effects             what an operation comes to, and for whom it is judged
    crew_calls          facts that somebody must hear of at once
    facts               what a crew saw or did: kept once, parked while its order is not known
    forgotten_steps     what a restored server has forgotten of an order
    apply               one operation -> its effect and its outcome
    senders             who sends operations, and what is answered
    told_steps          what a sender's own steps say it knew of the server
    crews               for whom the taps of a device are judged
    questions           what people are asked about an operation
    store_copies        two copies of one tablet's store at work
    server_trouble      errors that say nothing of the words that met them
    late_judgement      what came before its order is judged again
    retold_store        what several tablets repeat of an order, and the order before
    new_verdicts        what was judged anew is written and told
    retelling           an order that several tablets repeat is judged anew, in the true order
    push_job            the groups of a push, inside one transaction
    push                groups of operations -> transactions
    sealing_keys_io     the server's key pairs, to which tablets seal
    sealed_room         what came sealed -> the ledger, the drafts and the photos
    self_check          sums, ledger against effects, paths, reviews
    upkeep              what must be done every round and once a day
    service             the conversation, in-process
    one_turn_io         a request's guard and its work, in one turn of one thread
    api_io              the conversation, over HTTP
    poke_store          what pokes are made of
    poke_io             a stream per tablet that says that something changed
    commands_io         `sync-server check-sync`, `sealing-keys`, `erase-person`
"""
