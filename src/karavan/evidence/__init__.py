"""Evidence: articles in, cited facts out, promises tracked."""
