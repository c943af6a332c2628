"""Live updates: what comes into an inbox, told at once to who looks at it."""
