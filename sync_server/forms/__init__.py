"""The office's forms: an XLSX of the XLSForm convention -> what tablets ask, and what they answer.

The line through the modules:

    form_problems       what is wrong with a form, at its place in the sheet
    write_sheets_io     a table that people can read -> an XLSX, byte for byte the same every time
    sheets_io           an XLSX of a stranger -> texts, bounded and without any DTD
    pyxform_io          sheets -> XForm, or what breaks the convention
    xform               what the XForm says, without its XML
    survey_rows         where a question stands in the sheet
    pattern_cost        whether a pattern could take for ever
    expression_text     the text of a rule -> its expression tree
    form_compiler       XForm and sheets -> the model, or all that is wrong with it
    form_store          versions: taken once, published, withdrawn; what tablets are given
    intake_io           an uploaded file -> a form that can be kept
    preview             a form tried out in the browser, by the rules of the tablets
    answers_store       what tablets have answered
    answer_table, answer_xml, export_io      answers -> CSV, OpenRosa submissions, files
    builtin_io          the checklists that come with the product
    build_checklists_io      their XLSX, made of tables that people can read
    commands_io         `sync-server forms`, `add-form`, `export-answers` and their sisters
"""
