"""What was said in the calls of projects that want it kept."""
