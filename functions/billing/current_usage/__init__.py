"""Current usage: what the period under way has come to, and what it will."""
