"""Many real executor processes on one embedded log, which a test serves to them over sockets."""
