"""Accounts, channel identities, consents and credit tiers."""
