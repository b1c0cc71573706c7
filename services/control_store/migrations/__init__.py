"""Every change of the control store's tables, in order. A released one is never edited."""
