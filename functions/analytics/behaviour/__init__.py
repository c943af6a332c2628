"""What people do: questions that tracked events answer, one by one and exactly."""
