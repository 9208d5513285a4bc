"""Several nodes over one store: what one tells the others, and in which order.

Each node has the chat of its own people in memory, decides on it, and commits. What a
commit has changed (`commits`) is a row of a log in the same transaction, and travels to
the other nodes on a bus that may lose, double and reorder; whoever misses something
reads the end of the log. What is not durable (presence, typing) travels alone.
"""
