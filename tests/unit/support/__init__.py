"""The models that other tests rely on."""
