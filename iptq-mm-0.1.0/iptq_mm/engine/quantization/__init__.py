"""Float model and calibration images to integer parts: hook and stages."""
