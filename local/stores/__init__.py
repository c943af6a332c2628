"""The stores of the laptop stack: the ones the environment names, else servers started here with data in `.local/`."""
