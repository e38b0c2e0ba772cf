"""How the tablet's words reach the server and the server's rows reach the tablet.

reasons         why there is no contact, and how long to wait
trust_io        whose certificates a server may show
client_io       HttpSyncApi: the conversation over HTTP, captive portals refused
enrol_io        a one-time code against a token
radio           the person's switch in front of any API
epochs          what a restored server means
sync_store      next try, reason, last contact: kept in the file, not in memory
pulling         pages into base rows, each page with its token in one transaction
pushing         the outbox to the server, whole groups, one permanent outcome each
chunks          how much of a photo to send at once
uploading       photos to the server, each from its offset on
blob_client_io  HttpBlobApi: the photos' part of the conversation
turns_io        which of two processes syncs a file
engine          one sync: pull, push, pull the echo, photos
poke_io         the thread that listens for pokes
runner_io       the background thread that runs the engine when it is due
"""
