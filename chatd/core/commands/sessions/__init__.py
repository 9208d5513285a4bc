"""Commands about sessions: hello begins one, logout ends it, and there is a list."""
