"""Photos and signatures of the crew: taken, stripped, encrypted, kept until the server has them.

strokes           what a signature on the glass looks like as a picture
strip             what a picture file says beside its pixels is taken away
pictures_io       what a picture is, when and where it was taken, its small copy
sealed_photos_io  the sealed copies: what a wiped key leaves of photos
sealed_scrap_io   something begun that outlives the app: one encrypted file
glass_io          a signature that is not finished, stroke by stroke
marks_io          lines on a photo that are in no copy yet
photo_files_io    the encrypted files beside the store
ink_io            what was marked on a photo, drawn into a copy
album             one photo, one user action; what the screens ask
"""
