"""Control of any method with codes, by a linear-Gaussian model of its codes given the factors."""
