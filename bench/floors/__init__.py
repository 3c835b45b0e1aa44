"""What Signalbox is measured against: as little as can be done (`bare`), and what a team would write (`peer`)."""
