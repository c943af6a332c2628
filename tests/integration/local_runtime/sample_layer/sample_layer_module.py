"""What a layer brings."""

ANSWER = 42
