"""What CloudWatch would know of the functions: how often each ran, for how long, and what its log says in EMF."""
