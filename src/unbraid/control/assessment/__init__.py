"""Assessment of control: judges that read images, real images to compare with, and reports."""
