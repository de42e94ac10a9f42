"""What a check costs the machine that makes it, beside others that check mail servers: `make bench`."""
