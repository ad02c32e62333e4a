"""Commands that measure; the product does not need them."""
