"""Holds what Tickwall is compared with: each as its own documentation shows it, with the same ticks."""
