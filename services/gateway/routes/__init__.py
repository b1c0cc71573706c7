"""One small file a subject; a route reads a request, calls an operation, and writes its answer."""
