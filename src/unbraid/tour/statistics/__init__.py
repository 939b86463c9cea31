"""What the tour computes from runs and data sets, and how numbers over seeds are written."""
