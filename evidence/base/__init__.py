"""What everything else rests on: errors, canonical JSON, numbers, times, limits, settings, contracts."""
