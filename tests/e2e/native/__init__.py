"""The native API over real HTTP: what each route does, and each way in which it refuses."""
