"""Air quality: PM2.5 of places from satellite bands and weather, honestly validated."""
