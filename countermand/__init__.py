"""The face: what task authors import, the client and the command line."""
