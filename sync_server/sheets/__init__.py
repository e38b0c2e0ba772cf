"""Sheets and papers: tables that people take away, and tables that strangers' files bring.

The line through the modules:

    cells             which cell no spreadsheet takes for a formula
    table             a table in one language, with the widths of its columns
    sheet_io          the table as XLSX
    paper_io          the table as PDF
    archive_io        an archive of a stranger, bounded
    table_file_io     the rows of a CSV or XLSX file of a stranger
"""
