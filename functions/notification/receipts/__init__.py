"""What providers tell of messages afterwards: that they arrived, or did not, or were not wanted."""
