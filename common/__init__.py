"""Small shared pieces without business: errors, clock, ids, money, crypto, events, connections."""
