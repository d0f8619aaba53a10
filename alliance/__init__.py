"""The union's own business: its admins, and what they may stop."""
