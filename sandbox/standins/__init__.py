"""Stand-ins of the outside world: small servers that speak the real wire format and can be told to misbehave."""
