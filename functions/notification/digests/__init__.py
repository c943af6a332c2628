"""Digests: mails that gather what happened, for who does not want one of each."""
