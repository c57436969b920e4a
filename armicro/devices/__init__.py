"""Where frames and pedal presses come from: image files, recordings, cameras."""
