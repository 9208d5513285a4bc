"""Commands about rooms: they are made, joined, left, set, renamed, ended and listed."""
