"""The laptop stack: the whole platform of `template.yaml` on 127.0.0.1 (`make dev`)."""
