"""What a run says of itself: metrics, SQNR, sizes, times, pictures."""
