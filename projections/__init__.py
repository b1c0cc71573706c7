"""Folds over records into rows. Pure but for the SQL they describe."""
