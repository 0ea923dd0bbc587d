"""What is kept of a model's passes, and when it may be read: a policy is one file of this folder."""
