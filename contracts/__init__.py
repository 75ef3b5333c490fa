"""JSON Schemas of every file gate reads or writes, and of every collector's facts."""
