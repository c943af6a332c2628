"""What organizations have others be told: asked for, scheduled, cancelled, and looked up."""
