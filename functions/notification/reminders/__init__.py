"""What is told because time goes by: API keys that expire soon."""
