"""Boxes and keypoints from files to tensors."""
