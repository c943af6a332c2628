"""The AWS stand-in of the laptop stack: the template's resources, made in a moto server on 127.0.0.1."""
