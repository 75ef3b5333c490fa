"""Lines and evidence checked by themselves, in any process: `check`; and split among processes: `job`."""
