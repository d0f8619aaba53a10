"""Cells of tables that people open in a spreadsheet."""

# What makes a spreadsheet take a text for a formula (OWASP: CSV injection).
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def inert(text: str) -> str:
    """The text in a form that no spreadsheet calculates: with an apostrophe before it where it might."""
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text
