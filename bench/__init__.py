"""What is measured: load programs and their figures."""
