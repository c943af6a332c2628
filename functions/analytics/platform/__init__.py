"""How the platform itself is doing, for who operates it: its functions and its queues, as CloudWatch knows them."""
