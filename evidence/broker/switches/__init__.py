"""Kill switches exercised: a program is fed values, or faults on the wire, on both sides of each limit."""
