"""What several folders use: servers, proxies, rigs and models. No tests."""
