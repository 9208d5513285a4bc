"""What `chatd connect` does with what is typed and what comes in.

* `orders.py` makes of a line a text, an order, or the reason why it is neither.
* `conversation.py` sends it, and keeps it until it is answered.
* `screen.py` says what a conversation needs to be typed and read.
* `pipe.py` is such a screen between programs.
* `terminal.py` is one for people: an editor (`editor.py`, `completion.py`) and what is
  seen above and below it (`view.py`, `places.py`, `wrapping.py`).
* `recent.py` knows which message is meant by the last one.
"""
