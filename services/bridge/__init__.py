"""Carries parcels between regions. Decides nothing, and remembers nothing that it couldn't ask for
again: how far it has come is known where the parcels were taken."""
