"""Stand-ins of the outside world: they speak the real wire format over real sockets, and misbehave when told to."""
