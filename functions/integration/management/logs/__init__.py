"""Contents of calls: which projects want them kept, and what was kept."""
