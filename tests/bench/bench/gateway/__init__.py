"""What tests/bench/gateway is made of: the contenders, the requests, rows and the table of goals."""
