"""Commands about messages: they are written, changed, read again and found."""
