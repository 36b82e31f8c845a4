"""What wants to move: money to tonnes, targets, growth and the busiest month."""
