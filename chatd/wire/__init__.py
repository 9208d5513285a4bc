"""What travels on a socket: commands, events, their bytes. Pure."""
