"""What the end-to-end tests and scripts/demo share: namespaces, programs, a browser, applications."""
