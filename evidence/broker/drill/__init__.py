"""The rollback drill: a small exposure on the paper account, and the whole way back to none."""
