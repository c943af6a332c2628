"""Routes: names that stand for several models, and how one of them is chosen."""
