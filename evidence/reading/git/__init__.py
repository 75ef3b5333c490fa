"""The git repository around the workspace, which is hostile input like everything else in there.

``plumbing`` has the few questions every run asks, ``history`` what earlier commits held and who vouches for
them, ``state`` what can be told without starting git. Nothing that the repository brings along is ever run.
"""

from ..files import ObjectFormat, blob_id
from .plumbing import GitState, committed, head, last_author, tree

__all__ = ["GitState", "ObjectFormat", "blob_id", "committed", "head", "last_author", "tree"]
