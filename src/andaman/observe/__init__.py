"""How the platform is doing: metrics, request ids, log lines about requests."""
