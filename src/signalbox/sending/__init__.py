"""What is sent: templates."""
