"""Every change of the control store's tables, in order. A released one is never edited."""

NEWEST = "0007"
"""The last one there is."""
