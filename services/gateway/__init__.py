"""HTTP: who is asking, what they ask, how it is answered. Operations do the rest."""
