"""What a region knows of the others: requests sent there, and the copy of what they decided.

A task has a home region, whose log decides everything about it. Here is the other regions' side of
that: nothing in here decides, and what is copied never reaches this region's own fold.
"""
