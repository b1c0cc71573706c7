"""The ways to have tasks run, one module each, behind `services.executor.runtime`."""
