"""The record of an account: who vouches for what in it, writing it, and showing it."""
