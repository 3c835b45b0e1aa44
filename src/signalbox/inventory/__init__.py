"""What an account has: senders, sender pools, and the operations that fill pools."""
