"""What is measured: load programs and their figures. Each starts all it needs, as a sandbox."""

import os

os.environ["SANDBOX"] = "1"
