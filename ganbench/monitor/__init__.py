"""Watches the training of anyone's own GAN, in any PyTorch loop, and leaves the tables of a sweep's run."""
