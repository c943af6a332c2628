"""What was used: events come in, meters count them, and what they counted is read."""
