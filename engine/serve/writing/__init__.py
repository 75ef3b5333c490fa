"""Recording decisions for others: who may post, what a posted decision must be, and the appending thread."""
