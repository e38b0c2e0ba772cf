"""The screens of the tablet: view data in, taps out; nothing here knows the store or the server.

The line through the modules, from colours to pixels:

    theme         colours, sizes and shades of the three themes
    typefaces_io  the fonts that ship with the app
    signs         which icon and tone stand for a state
    map_mesh      how the lines of the map become triangles
    chart_scale   where the evidence chart puts its grid and its line
    answers       what undo takes back
    look_io       theme and text size chosen on this tablet
    blanks        what a screen shows before its presenter has spoken
    round_blanks  the same for the screens of rounds
    environment_io  what Kivy reads when it is imported
    first_frame_io  the lamp, while the app behind it is being loaded
    rules_io      the kv files, each loaded once
    file_picker   a file in place of a camera or a scanner
    widgets       the pieces that screens are built of
    screens       one screen each, and the shell round them
    places        what the navigation is given: presenters and places
    pages         what lies on top of a place
    kept_place    where the screens stood, as it is kept
    way_back      where the screens stand is kept; back there after a kill or a lock
    panes         which screens stand in the window, one or two
    tools         the tools of an order, forms and sheets on top of a place
    later_screens  the screens that are not the list
    background    slow work away from the screen
    navigator     which screen is shown, and what back does
    form_page     a form of the office on top of what is shown
    rounds_place  which page of a round follows which
    application   the Kivy app and its life
"""
