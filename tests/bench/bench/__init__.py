"""What tests/bench/run is made of: an installation and forwarder chains on loopback, meters, rows, a table."""
