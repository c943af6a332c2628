"""From what happened, or was asked for, to messages: who is told, on which channels, and when."""
