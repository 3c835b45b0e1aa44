"""How fast Signalbox is: ratios to floors that are measured in the same run. `make bench`."""
