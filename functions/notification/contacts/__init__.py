"""Contacts: the phone numbers and the devices that people are reached at."""
