"""The collectors: one module or package each, in ``documents`` those of Markdown documents."""
