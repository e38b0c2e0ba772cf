"""Photos and signatures: named by their SHA-256, safe before they are acknowledged.

The line through the modules:

    bounds            how much a tablet may send, how long an unfinished upload is kept
    files_io          the bytes on disk: partials, whole blobs, the steps of a commit
    store_files_io    damaged stores of tablets, kept as they came
    pictures_io       what the bytes are as a picture, and the derivative that people see
    blob_store        what is known of every blob
    ref_store         which record a blob belongs to
    want_store        what the server asks a tablet for
    intake            offer, offset, append: the conversation in-process
    gallery           the pictures of a record, as people see them
    sweep             database and files compared: what was lost is asked for again
    copies_io         blobs beside a backup, and back
    api_io            the conversation over HTTP
"""
