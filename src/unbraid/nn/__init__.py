"""What methods are built from: networks, likelihoods and codes, and the KL term decomposed."""
