"""The program that the sources are: its modules, functions and calls, and what names in it stand for."""
