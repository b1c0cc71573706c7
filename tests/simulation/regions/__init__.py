"""Several regions in one event loop each, with links that are cut between them."""
