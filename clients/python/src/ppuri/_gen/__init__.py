"""What `npm run gen` prints from the contracts."""
