"""Settings: frozen values, and how files, environment and flags become them."""
