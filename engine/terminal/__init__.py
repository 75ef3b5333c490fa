"""What people see: safe text and figures, styled lines, standard output, reports in files, ``--watch``."""
