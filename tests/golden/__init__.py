"""Every event version ever written, and the verdict of every golden history. Never edited."""
