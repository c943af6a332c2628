"""Topics: what members of an organization can ask to be told of."""
