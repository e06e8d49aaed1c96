"""The platform's backend API: what runs where, read from the GitOps repository."""
