"""Passwords of people who live for one test."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """The product's own, without the time that it takes a thief: its processes read what this one writes."""

    iterations = 1
