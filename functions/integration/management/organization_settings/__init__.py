"""What holds for all of an organization: the time zone that its days are of."""
