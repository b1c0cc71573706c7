"""How fast it is: each figure beside its limit, measured in the same run."""
