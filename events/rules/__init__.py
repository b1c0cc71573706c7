"""The rules of the fold, one file for each part of a life. `events.fold` is their table."""
