"""Commands about others in a room: who is asked in, and what members may do there."""
