"""What a policy would have saved: last week's calls, as far as they are known, replayed against it."""
