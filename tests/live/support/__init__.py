"""The servers and proxies that other tests rely on."""
