"""Trees of images: files, decoding, the cache."""
