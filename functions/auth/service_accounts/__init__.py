"""Service accounts: programs of an organization, and the secrets by which they get tokens."""
