"""What can be asked of the history: the read models, behind typed questions and frozen answers.

`ReadModels` (models.py) is the door; `ReadModels.of(organization)` gives every question that
callers may cause, and no other way leads to a tenant's rows. Knows SQL; knows no HTTP, no rules of
the fold: what an event did was decided before it came here.
"""
