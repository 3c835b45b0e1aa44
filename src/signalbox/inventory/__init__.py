"""The inventory of an account: senders, sender pools, and the operations that add senders to pools."""
